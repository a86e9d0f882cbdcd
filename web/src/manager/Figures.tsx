/** Statistics of what is settled. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { questions } from "../api/questions";
import { StatisticsTable } from "../panels/StatisticsTable";
import { Part } from "./Part";

export function Figures(): JSX.Element {
  return (
    <Part title="Statistics" asked={useQuery(questions.statistics)}>
      {({ statistics }) =>
        statistics ? <StatisticsTable statistics={statistics} /> : <p>Nothing is settled yet.</p>
      }
    </Part>
  );
}
