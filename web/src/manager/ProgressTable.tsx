/** How far everybody is, and how long it took. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { questions } from "../api/questions";
import type { Progress } from "../api/types";
import { counted } from "../model/words";
import { Part } from "./Part";

export function ProgressTable(): JSX.Element {
  return (
    <Part title="Progress" asked={useQuery(questions.progress)}>
      {(data) => (
        <>
          {data.stages.length === 1 ? (
            <p>
              {counted(data.photos, "photo")}, {settledOf(data.stages[0])}.
            </p>
          ) : (
            <ul>
              <li>
                First stage: {counted(data.photos, "photo")}, {settledOf(data.stages[0])}. This stays as it
                is.
              </li>
              <li>Second stage: {settledOf(data.stages[1])} anew.</li>
            </ul>
          )}
          <table>
            <thead>
              <tr>
                <th scope="col">Person</th>
                <th scope="col">Pass</th>
                <th scope="col">Done</th>
                <th scope="col">Time</th>
                <th scope="col">Seconds each</th>
              </tr>
            </thead>
            <tbody>
              {data.people.map((one) => (
                <tr key={`${one.person} ${one.pass} ${one.stage}`}>
                  <th scope="row">{one.person}</th>
                  <td>{wordsOf(one)}</td>
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
                  <td>{perOne(one)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Part>
  );
}

function settledOf(stage: Progress["stages"][number] | undefined): string {
  return `${counted(stage?.objects ?? 0, "object")}, ${stage?.settled ?? 0} settled`;
}

function wordsOf({ pass, stage }: Progress["people"][number]): string {
  if (pass === "pass1") return "boxes and order";
  return stage === 1 ? "masks" : "masks, second stage";
}

/** A photo's boxes and order in pass 1, an object's mask in pass 2. */
function perOne({ done, seconds, pass }: Progress["people"][number]): string {
  if (!done || !seconds) return "–";
  return `${(seconds / done).toFixed(0)} ${pass === "pass1" ? "a photo" : "an object"}`;
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
