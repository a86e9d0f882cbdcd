/** The same objects once more, months later. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { api, said, wordsOf } from "../api/client";
import { questions } from "../api/questions";
import type { StagePlan } from "../api/types";
import { counted } from "../model/words";
import { Dialog } from "../panels/Dialog";

interface Wanted {
  readonly share: number;
  readonly seed: number;
}

export function SecondStage(): JSX.Element {
  const client = useQueryClient();
  const project = useQuery(questions.project);
  const [asked, ask] = useState<Wanted & { plan: StagePlan }>();
  const plan = useMutation({
    mutationFn: async (wanted: Wanted) => ({
      ...wanted,
      plan: await said(api.GET("/api/manager/stage", { params: { query: wanted } })),
    }),
    onSuccess: ask,
  });
  const begin = useMutation({
    mutationFn: ({ share, seed }: Wanted) => said(api.POST("/api/manager/stage", { body: { share, seed } })),
    onSuccess: () => client.invalidateQueries(),
    onSettled: () => ask(undefined),
  });
  const error = plan.error ?? begin.error;
  const isOn = (project.data?.stage ?? 1) > 1;
  return (
    <section aria-label="Second stage" className="part">
      <h2>Second stage</h2>
      <p>
        Months later everybody draws a random share of the settled objects again: how well does each agree
        with itself?
      </p>
      {isOn ? (
        <p>It is on. What the first stage settled is kept; Progress shows both.</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData(event.currentTarget);
            begin.reset();
            plan.mutate({ share: Number(form.get("share")) / 100, seed: Number(form.get("seed")) });
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
          <button type="submit" disabled={plan.isPending || begin.isPending}>
            Begin …
          </button>
        </form>
      )}
      <p role="status">
        {begin.data && `Stage ${begin.data.stage} with ${counted(begin.data.objects, "object")}.`}
      </p>
      {error && <p role="alert" className="problem">{wordsOf(error)}</p> /* prettier-ignore */}
      {asked && (
        <Dialog title="Begin the second stage?" onClose={() => ask(undefined)}>
          <Words plan={asked.plan} />
          <footer>
            <button
              type="button"
              className="main"
              disabled={begin.isPending}
              onClick={() => begin.mutate(asked)}
            >
              Begin the second stage
            </button>
            <button type="button" onClick={() => ask(undefined)}>
              Not now
            </button>
          </footer>
        </Dialog>
      )}
    </section>
  );
}

/** What will happen. */
function Words({ plan }: { plan: StagePlan }): JSX.Element {
  return (
    <>
      <p>
        {plan.objects} of {counted(plan.settled, "settled object")} will be drawn again, without sight of what
        was drawn before:
      </p>
      <ul>
        {plan.people.map((one) => (
          <li key={one.person}>
            {one.person}: {one.objects}
            {!one.active && " (switched off: others may take these places)"}
          </li>
        ))}
        {plan.people.length === 0 && <li>by whoever draws them first, since nobody drew them here yet</li>}
      </ul>
      <p>
        What is settled is kept and goes on being exported, until the second stage settles an object anew.
      </p>
      {plan.unsettled > 0 && (
        <p className="problem">
          Not settled yet: {counted(plan.unsettled, "object")}. Nobody can draw or settle them any more once
          the second stage has begun.
        </p>
      )}
      <p>This cannot be taken back.</p>
    </>
  );
}
