/** How well the annotators agree, by category and by object. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { useState } from "react";

import { questions } from "../api/questions";
import { FIRST, More } from "./More";
import { Part, score } from "./Part";

export function Agreement({ stage, title }: { stage: number; title: string }): JSX.Element {
  const [limit, setLimit] = useState(FIRST);
  return (
    <Part title={title} asked={useQuery(questions.agreement(stage, limit))}>
      {(data) => (
        <>
          <p>
            Of objects that all their annotators called done. Mean over their pairs {score(data.mean)}; below{" "}
            {data.threshold.toFixed(2)} an object goes to another round.
          </p>
          {data.categories.length === 0 ? (
            <p>It shows once all annotators of an object have called it done.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th scope="col">Category</th>
                  <th scope="col">Objects</th>
                  <th scope="col">Mean IoU</th>
                </tr>
              </thead>
              <tbody>
                {data.categories.map((one) => (
                  <tr key={one.name}>
                    <th scope="row">{one.name}</th>
                    <td>{one.objects}</td>
                    <td>{score(one.mean)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {data.objects.length > 0 && (
            <details>
              <summary>Each object, the worst first</summary>
              <ol className="worst">
                {data.objects.map((one) => (
                  <li key={one.object_id}>
                    {one.agreement.toFixed(3)} {one.label} in {one.photo}, round {one.round}
                  </li>
                ))}
              </ol>
              <More shown={data.objects.length} total={data.total} show={setLimit} />
            </details>
          )}
        </>
      )}
    </Part>
  );
}
