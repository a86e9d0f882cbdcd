/** The project's name, categories, and the rules of the vote. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import { Part } from "./Part";

export function ProjectForm(): JSX.Element {
  const client = useQueryClient();
  const project = useQuery(questions.project);
  const change = useMutation({
    mutationFn: (form: FormData) =>
      said(
        api.PATCH("/api/project", {
          body: {
            version: project.data!.version,
            name: String(form.get("name")),
            annotators_per_object: Number(form.get("annotators")),
            agreement_threshold: Number(form.get("threshold")),
            max_rounds: Number(form.get("rounds")),
            categories: categoriesOf(String(form.get("categories"))),
          },
        }),
      ),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <Part title="Project" asked={project}>
      {(data) => (
        <>
          <form
            key={data.version}
            onInput={() => change.reset()}
            onSubmit={(event) => {
              event.preventDefault();
              change.mutate(new FormData(event.currentTarget));
            }}
          >
            <label>
              Name
              <input name="name" defaultValue={data.name} required maxLength={100} />
            </label>
            <label>
              Annotators of each object
              <input
                name="annotators"
                type="number"
                min={1}
                max={20}
                defaultValue={data.annotators_per_object}
              />
            </label>
            <label>
              Agreement that suffices
              <input
                name="threshold"
                type="number"
                min={0}
                max={1}
                step={0.01}
                defaultValue={data.agreement_threshold}
              />
            </label>
            <label>
              Rounds at most
              <input name="rounds" type="number" min={1} max={20} defaultValue={data.max_rounds} />
            </label>
            <label>
              Categories, one a line: group: name, name
              <textarea name="categories" rows={4} defaultValue={textOf(data.categories)} />
            </label>
            <button type="submit" disabled={change.isPending}>
              Save
            </button>
          </form>
          {
            change.isError && <p role="alert" className="problem">{wordsOf(change.error)}</p> /* prettier-ignore */
          }
          {/* Always there and outside the form, which is made anew: else screen readers would not say it. */}
          <p role="status" className="good">
            {change.isSuccess && "Saved."}
          </p>
        </>
      )}
    </Part>
  );
}

interface Category {
  readonly name: string;
  readonly group?: string;
}

function textOf(categories: readonly Category[]): string {
  const groups = [...new Set(categories.map((one) => one.group ?? ""))];
  return groups
    .map((group) => {
      const names = categories.filter((one) => (one.group ?? "") === group).map((one) => one.name);
      return `${group}: ${names.join(", ")}`;
    })
    .join("\n");
}

const OTHER = "other"; // the group of names without one, as in imports

function categoriesOf(text: string): { name: string; group: string }[] {
  return text.split("\n").flatMap((line) => {
    const [group, names] = line.includes(":") ? (line.split(/:(.*)/s) as [string, string]) : [OTHER, line];
    const clean = names.split(",").map((name) => name.trim());
    return clean.filter(Boolean).map((name) => ({ name, group: group.trim() }));
  });
}
