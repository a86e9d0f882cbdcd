/** Name and password. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";

import { wordsOf } from "../api/client";
import { enter } from "../api/enter";
import { changePerson } from "../api/session";
import { go } from "../route";

/** Back to where the session ended, as in #/login/boxes/3; else to the page that was asked for. */
export function afterLogIn(hash: string): string {
  return hash.replace(/^#\/?(login)?\/?/, "/") || "/";
}

export function LogIn(): JSX.Element {
  const client = useQueryClient();
  const logIn = useMutation({
    mutationFn: (form: FormData) => enter(String(form.get("name")), String(form.get("password"))),
    onSuccess: (session) => {
      changePerson(client, session);
      go(afterLogIn(window.location.hash));
    },
  });
  return (
    <main className="narrow">
      <h1>amodal</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          logIn.mutate(new FormData(event.currentTarget));
        }}
      >
        <label>
          Name
          <input name="name" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {logIn.isError && (
          <p role="alert" className="problem">
            {wordsOf(logIn.error)}
          </p>
        )}
        <button type="submit" className="main" disabled={logIn.isPending}>
          Log in
        </button>
      </form>
    </main>
  );
}
