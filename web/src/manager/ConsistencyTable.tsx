/** Annotators and their vote against each other. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { questions } from "../api/questions";
import { Part, score } from "./Part";

export function ConsistencyTable({ stage, title }: { stage: number; title: string }): JSX.Element {
  return (
    <Part title={title} asked={useQuery(questions.consistency(stage))}>
      {(data) =>
        data.rows.length === 0 ? (
          <p>It shows once all annotators of an object have called it done.</p>
        ) : (
          <table>
            <thead>
              <tr>
                <td />
                {data.columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.rows.map((name, row) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {data.columns.map((column, place) => (
                    <td key={column} title={`${data.counts[row]?.[place] ?? 0} objects`}>
                      {score(data.matrix[row]?.[place])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )
      }
    </Part>
  );
}
