/** A new password, twice. */

import type { JSX } from "react";
import { useState } from "react";

import { wordsOf } from "../api/client";
import { Dialog } from "./Dialog";

interface PasswordDialogProps {
  readonly title: string;
  readonly hint: string;
  readonly sending: { mutate: (password: string) => void; isPending: boolean; error: unknown };
  readonly onClose: () => void;
}

export function PasswordDialog({ title, hint, sending, onClose }: PasswordDialogProps): JSX.Element {
  const [differ, setDiffer] = useState(false);
  const problem = differ ? "The two passwords differ." : sending.error ? wordsOf(sending.error) : "";
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{hint}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const [password, again] = [String(form.get("password")), String(form.get("again"))];
          setDiffer(password !== again);
          if (password === again) sending.mutate(password);
        }}
      >
        <label>
          New password, at least 8 characters
          <input name="password" type="password" minLength={8} required autoComplete="new-password" />
        </label>
        <label>
          Once more
          <input name="again" type="password" minLength={8} required autoComplete="new-password" />
        </label>
        {problem && (
          <p role="alert" className="problem">
            {problem}
          </p>
        )}
        <button type="submit" className="main" disabled={sending.isPending}>
          Set password
        </button>
      </form>
    </Dialog>
  );
}
