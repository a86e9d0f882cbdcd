/** A new password, twice; one's own is asked for too before it is changed. */

import type { JSX } from "react";
import { useState } from "react";

import { wordsOf } from "../api/client";
import { Dialog } from "./Dialog";

export interface Passwords {
  readonly password: string;
  readonly old: string;
}

interface PasswordDialogProps {
  readonly title: string;
  readonly hint: string;
  readonly sending: { mutate: (passwords: Passwords) => void; isPending: boolean; error: unknown };
  /** Whether it is one's own. */
  readonly asksOld?: boolean;
  readonly onClose: () => void;
}

export function PasswordDialog({
  title,
  hint,
  sending,
  asksOld = false,
  onClose,
}: PasswordDialogProps): JSX.Element {
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
          if (password === again) sending.mutate({ password, old: String(form.get("old") ?? "") });
        }}
      >
        {asksOld && (
          <label>
            Password until now
            <input name="old" type="password" required autoComplete="current-password" />
          </label>
        )}
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
