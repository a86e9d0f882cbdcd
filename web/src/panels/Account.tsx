/** Who is logged in, another password, and the way out. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { api, carry, said } from "../api/client";
import { enter } from "../api/enter";
import { questions } from "../api/questions";
import { changePerson } from "../api/session";
import type { Person } from "../api/types";
import { go } from "../route";
import { PasswordDialog, type Passwords } from "./PasswordDialog";

export function Account({ person }: { person: Person }): JSX.Element {
  const client = useQueryClient();
  const [asking, ask] = useState(false);
  const change = useMutation({
    mutationFn: async ({ password, old }: Passwords) => {
      await said(
        api.PATCH("/api/people/{id}", {
          params: { path: { id: person.id } },
          body: { password, old_password: old },
        }),
      );
      // Another password ends all sessions of its person, this one too.
      return enter(person.name, password);
    },
    onSuccess: (session) => {
      // The same person goes on: what lies on the table stays there.
      carry(session);
      client.setQueryData(questions.session.queryKey, session);
      ask(false);
    },
  });
  const leave = async (): Promise<void> => {
    changePerson(client, await said(api.DELETE("/api/session")));
    go("/login");
  };
  return (
    <>
      <span>
        {person.name}, {person.role}
      </span>
      <button type="button" onClick={() => ask(true)}>
        Change my password
      </button>
      <button type="button" onClick={() => void leave()}>
        Log out
      </button>
      {asking && (
        <PasswordDialog
          title="Change my password"
          hint="Other browsers where you are logged in ask for it."
          sending={change}
          asksOld
          onClose={() => ask(false)}
        />
      )}
    </>
  );
}
