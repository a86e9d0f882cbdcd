/** How far everybody is, and how long it took. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { questions } from "../api/questions";
import { Part } from "./Part";

export function ProgressTable(): JSX.Element {
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

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
