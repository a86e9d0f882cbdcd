/** How far all are, how well they agree, and what waits for a decision. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX, ReactNode } from "react";
import { useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import { People } from "../panels/People";
import { StatisticsTable } from "../panels/StatisticsTable";

const FIRST = 50;
const MOST = 500; // that the server lists at once

export function Manager(): JSX.Element {
  return (
    <main className="manager">
      <h1>Manager</h1>
      <ProgressTable />
      <Disagreements />
      <Agreement />
      <ConsistencyTable />
      <Figures />
      <SecondStage />
      <ProjectForm />
      <People />
    </main>
  );
}

interface PartProps<Data> {
  readonly title: string;
  readonly asked: { data: Data | undefined; error: unknown };
  readonly children: (data: Data) => ReactNode;
}

function Part<Data>({ title, asked, children }: PartProps<Data>): JSX.Element {
  return (
    <section aria-label={title} className="part">
      <h2>{title}</h2>
      {asked.error ? (
        <p role="alert" className="problem">
          {wordsOf(asked.error)}
        </p>
      ) : asked.data === undefined ? (
        <p>Loading …</p>
      ) : (
        children(asked.data)
      )}
    </section>
  );
}

function ProgressTable(): JSX.Element {
  return (
    <Part title="Progress" asked={useQuery(questions.progress)}>
      {(data) => (
        <>
          <p>
            {data.photos} photos, {data.objects} objects, {data.settled} settled.
          </p>
          <table>
            <thead>
              <tr>
                <th scope="col">Person</th>
                <th scope="col">Pass</th>
                <th scope="col">Done</th>
                <th scope="col">Time</th>
                <th scope="col">Seconds an object</th>
              </tr>
            </thead>
            <tbody>
              {data.people.map((one) => (
                <tr key={`${one.person} ${one.pass}`}>
                  <th scope="row">{one.person}</th>
                  <td>{one.pass === "pass1" ? "boxes and order" : "masks"}</td>
                  <td>
                    <meter
                      min={0}
                      max={Math.max(1, one.of)}
                      value={one.done}
                      aria-label={`${one.done} of ${one.of}`}
                    />{" "}
                    {one.done} of {one.of}
                  </td>
                  <td>{minutes(one.seconds ?? 0)}</td>
                  <td>{one.done && one.seconds ? (one.seconds / one.done).toFixed(0) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Part>
  );
}

function Disagreements(): JSX.Element {
  const [limit, setLimit] = useState(FIRST);
  return (
    <Part title="Disagreements" asked={useQuery(questions.disagreements(limit))}>
      {({ disagreements, total }) =>
        disagreements.length === 0 ? (
          <p>None is open.</p>
        ) : (
          <>
            <table>
              <thead>
                <tr>
                  <th scope="col">Object</th>
                  <th scope="col">Agreement</th>
                  <th scope="col">Round</th>
                  <th scope="col">Rounds left</th>
                </tr>
              </thead>
              <tbody>
                {disagreements.map((one) => (
                  <tr key={one.object_id}>
                    <th scope="row">
                      <a href={`#/settle/${one.photo_id}/${one.object_id}`}>
                        {one.label} in {one.photo}
                      </a>
                    </th>
                    <td>{one.agreement.toFixed(3)}</td>
                    <td>{one.round}</td>
                    <td>{one.rounds_left}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <More shown={disagreements.length} total={total} show={setLimit} />
          </>
        )
      }
    </Part>
  );
}

/** The list is long: how much of it is shown, and a way to the rest. */
function More({
  shown,
  total,
  show,
}: {
  shown: number;
  total: number;
  show: (limit: number) => void;
}): JSX.Element {
  if (shown >= total) return <></>;
  return (
    <p>
      {shown} of {total}.{" "}
      <button type="button" disabled={shown >= MOST} onClick={() => show(Math.min(MOST, shown * 2))}>
        Show more
      </button>
    </p>
  );
}

function Agreement(): JSX.Element {
  const [limit, setLimit] = useState(FIRST);
  return (
    <Part title="Agreement" asked={useQuery(questions.agreement(limit))}>
      {(data) => (
        <>
          <p>
            Mean over pairs of annotators {score(data.mean)}; below {data.threshold.toFixed(2)} an object goes
            to another round.
          </p>
          <table>
            <thead>
              <tr>
                <th scope="col">Category</th>
                <th scope="col">Objects</th>
                <th scope="col">Mean IoU</th>
              </tr>
            </thead>
            <tbody>
              {data.categories.map((one) => (
                <tr key={one.name}>
                  <th scope="row">{one.name}</th>
                  <td>{one.objects}</td>
                  <td>{score(one.mean)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {data.objects.length > 0 && (
            <details>
              <summary>Each object, the worst first</summary>
              <ol className="worst">
                {data.objects.map((one) => (
                  <li key={one.object_id}>
                    {one.agreement.toFixed(3)} {one.label} in {one.photo}, round {one.round}
                  </li>
                ))}
              </ol>
              <More shown={data.objects.length} total={data.total} show={setLimit} />
            </details>
          )}
        </>
      )}
    </Part>
  );
}

function ConsistencyTable(): JSX.Element {
  return (
    <Part title="Consistency of annotators and votes" asked={useQuery(questions.consistency)}>
      {(data) =>
        data.rows.length === 0 ? (
          <p>It shows once objects have masks of several annotators.</p>
        ) : (
          <table>
            <thead>
              <tr>
                <td />
                {data.columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.rows.map((name, row) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {data.columns.map((column, place) => (
                    <td key={column} title={`${data.counts[row]?.[place] ?? 0} objects`}>
                      {score(data.matrix[row]?.[place])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )
      }
    </Part>
  );
}

function Figures(): JSX.Element {
  return (
    <Part title="Statistics" asked={useQuery(questions.statistics)}>
      {({ statistics }) =>
        statistics ? <StatisticsTable statistics={statistics} /> : <p>Nothing is settled yet.</p>
      }
    </Part>
  );
}

function SecondStage(): JSX.Element {
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: (form: FormData) =>
      said(
        api.POST("/api/manager/stage", {
          body: { share: Number(form.get("share")) / 100, seed: Number(form.get("seed")) },
        }),
      ),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <section aria-label="Second stage" className="part">
      <h2>Second stage</h2>
      <p>
        Months later everybody draws a random share of the settled objects again: how well does each agree
        with itself?
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          begin.mutate(new FormData(event.currentTarget));
        }}
      >
        <label>
          Share in percent
          <input name="share" type="number" min={1} max={100} defaultValue={10} required />
        </label>
        <label>
          Seed
          <input name="seed" type="number" min={0} defaultValue={0} required />
        </label>
        <button type="submit" disabled={begin.isPending}>
          Begin
        </button>
      </form>
      <p role="status">{begin.data && `Stage ${begin.data.stage} with ${begin.data.objects} objects.`}</p>
      {begin.isError && <p role="alert" className="problem">{wordsOf(begin.error)}</p> /* prettier-ignore */}
    </section>
  );
}

function ProjectForm(): JSX.Element {
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
        <form
          key={data.version}
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
          {
            change.isError && <p role="alert" className="problem">{wordsOf(change.error)}</p> /* prettier-ignore */
          }
        </form>
      )}
    </Part>
  );
}

interface Category {
  readonly name: string;
  readonly group?: string;
}

export function textOf(categories: readonly Category[]): string {
  const groups = [...new Set(categories.map((one) => one.group ?? ""))];
  return groups
    .map((group) => {
      const names = categories.filter((one) => (one.group ?? "") === group).map((one) => one.name);
      return `${group}: ${names.join(", ")}`;
    })
    .join("\n");
}

export function categoriesOf(text: string): { name: string; group: string }[] {
  return text.split("\n").flatMap((line) => {
    const [group, names] = line.includes(":") ? (line.split(/:(.*)/s) as [string, string]) : ["", line];
    const clean = names.split(",").map((name) => name.trim());
    return clean.filter(Boolean).map((name) => ({ name, group: group.trim() }));
  });
}

function score(value: number | null | undefined): string {
  return typeof value === "number" ? value.toFixed(3) : "–";
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
