/** What waits for another round, or for the expert. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { questions } from "../api/questions";
import { FIRST, More } from "./More";
import { Part } from "./Part";

export function Disagreements(): JSX.Element {
  const [limit, setLimit] = useState(FIRST);
  return (
    <Part title="Disagreements" asked={useQuery(questions.disagreements(limit))}>
      {({ disagreements, total }) =>
        disagreements.length === 0 ? (
          <p>None is open.</p>
        ) : (
          <>
            <table>
              <thead>
                <tr>
                  <th scope="col">Object</th>
                  <th scope="col">Agreement</th>
                  <th scope="col">Round</th>
                  <th scope="col">Rounds left</th>
                </tr>
              </thead>
              <tbody>
                {disagreements.map((one) => (
                  <tr key={one.object_id}>
                    <th scope="row">
                      <a href={`#/settle/${one.photo_id}/${one.object_id}`}>
                        {one.label} in {one.photo}
                      </a>
                    </th>
                    <td>{one.agreement.toFixed(3)}</td>
                    <td>{one.round}</td>
                    <td>{one.rounds_left}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <More shown={disagreements.length} total={total} show={setLimit} />
          </>
        )
      }
    </Part>
  );
}
