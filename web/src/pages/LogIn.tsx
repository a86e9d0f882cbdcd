/** Name and password. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";

import { api, carryToken, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import { go } from "../route";

export function LogIn(): JSX.Element {
  const client = useQueryClient();
  const logIn = useMutation({
    mutationFn: (form: FormData) =>
      said(
        api.POST("/api/session", {
          body: { name: String(form.get("name")), password: String(form.get("password")) },
        }),
      ),
    onSuccess: (session) => {
      carryToken(session.csrf);
      client.clear();
      client.setQueryData(questions.session.queryKey, session as never);
      go("/photos");
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
