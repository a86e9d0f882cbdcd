/** Accounts: who there is, and new ones. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { Person } from "../api/types";
import { PasswordDialog } from "../panels/PasswordDialog";

type Role = Person["role"];
const ROLES: readonly Role[] = ["annotator", "expert", "manager"];

export function People(): JSX.Element {
  const client = useQueryClient();
  const session = useQuery(questions.session);
  const team = session.data?.mode === "team";
  const people = useQuery({ ...questions.people, enabled: team });
  const refresh = (): Promise<void> => client.invalidateQueries();
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: number; role?: Role; active?: boolean }) =>
      said(api.PATCH("/api/people/{id}", { params: { path: { id } }, body })),
    onSuccess: refresh,
  });
  const add = useMutation({
    mutationFn: (form: FormData) =>
      said(
        api.POST("/api/people", {
          body: {
            name: String(form.get("name")),
            role: String(form.get("role")) as Role,
            password: String(form.get("password")),
          },
        }),
      ),
    onSuccess: refresh,
  });
  const [letIn, setLetIn] = useState<Person>();
  const password = useMutation({
    // Who came with an imported file is switched off and has no password: both are changed at once.
    mutationFn: ({ id, password }: { id: number; password: string }) =>
      said(api.PATCH("/api/people/{id}", { params: { path: { id } }, body: { password, active: true } })),
    onSuccess: async () => {
      setLetIn(undefined);
      await refresh();
    },
  });
  const error = people.error ?? change.error ?? add.error;
  return (
    <section aria-label="People" className="part">
      <h2>People</h2>
      {!team && <p>One person works here without a log-in. Start with --team for accounts.</p>}
      {error && (
        <p role="alert" className="problem">
          {wordsOf(error)}
        </p>
      )}
      {/* Always there: else screen readers would not say it. */}
      <p role="status" className="good">
        {change.data && wordsOfChange(change.data, change.variables)}
      </p>
      {people.data && (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Role</th>
              <th scope="col">Active</th>
              <th scope="col">Password</th>
            </tr>
          </thead>
          <tbody>
            {people.data.people.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.name}</th>
                <td>
                  <select
                    aria-label={`Role of ${one.name}`}
                    value={one.role}
                    onChange={(event) => change.mutate({ id: one.id, role: event.target.value as Role })}
                  >
                    {ROLES.map((role) => (
                      <option key={role}>{role}</option>
                    ))}
                  </select>
                </td>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`${one.name} is active`}
                    checked={one.active ?? true}
                    onChange={(event) => change.mutate({ id: one.id, active: event.target.checked })}
                  />
                </td>
                <td>
                  {one.id !== session.data?.person?.id && (
                    <button
                      type="button"
                      aria-label={`${wayIn(one)}: ${one.name}`}
                      onClick={() => {
                        password.reset();
                        setLetIn(one);
                      }}
                    >
                      {wayIn(one)}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {team && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(new FormData(event.currentTarget));
          }}
        >
          <label>
            Name
            <input name="name" required maxLength={100} autoComplete="off" />
          </label>
          <label>
            Role
            <select name="role">
              {ROLES.map((role) => (
                <option key={role}>{role}</option>
              ))}
            </select>
          </label>
          <label>
            Password, at least 8 characters
            <input name="password" type="password" minLength={8} required autoComplete="new-password" />
          </label>
          <button type="submit" disabled={add.isPending}>
            Add
          </button>
        </form>
      )}
      {letIn && (
        <PasswordDialog
          title={`Password of ${letIn.name}`}
          hint={
            letIn.active
              ? `${letIn.name} is logged out everywhere and comes in with the new one.`
              : `${letIn.name} is switched on and can log in with it.`
          }
          sending={{
            ...password,
            mutate: (word) => password.mutate({ id: letIn.id, password: word.password }),
          }}
          onClose={() => setLetIn(undefined)}
        />
      )}
    </section>
  );
}

function wordsOfChange(person: Person, { role }: { role?: Role }): string {
  if (role) return `${person.name} is ${person.role} from now on.`;
  return person.active ? `${person.name} is switched on.` : `${person.name} is switched off and logged out.`;
}

function wayIn(person: Person): string {
  return person.active ? "Set password" : "Let in";
}
