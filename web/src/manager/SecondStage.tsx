/** The same objects once more, months later. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";

import { api, said, wordsOf } from "../api/client";

export function SecondStage(): JSX.Element {
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
