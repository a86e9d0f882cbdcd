/** How far all are, how well they agree, and what waits for a decision. */

import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { questions } from "../api/questions";
import { Agreement } from "../manager/Agreement";
import { AuditLog } from "../manager/AuditLog";
import { ConsistencyTable } from "../manager/ConsistencyTable";
import { Disagreements } from "../manager/Disagreements";
import { Figures } from "../manager/Figures";
import { People } from "../manager/People";
import { ProgressTable } from "../manager/ProgressTable";
import { ProjectForm } from "../manager/ProjectForm";
import { SecondStage } from "../manager/SecondStage";

const AGREEMENT = "Agreement";
const CONSISTENCY = "Consistency of annotators and votes";

export function Manager(): JSX.Element {
  const second = (useQuery(questions.project).data?.stage ?? 1) > 1;
  return (
    <main className="manager">
      <h1>Manager</h1>
      <ProgressTable />
      <Disagreements />
      {second && <Agreement stage={2} title={`${AGREEMENT}, second stage`} />}
      {second && <ConsistencyTable stage={2} title={`${CONSISTENCY}, second stage (rows) and first`} />}
      <Agreement stage={1} title={second ? `${AGREEMENT}, first stage` : AGREEMENT} />
      <ConsistencyTable stage={1} title={second ? `${CONSISTENCY}, first stage` : CONSISTENCY} />
      <Figures />
      <SecondStage />
      <ProjectForm />
      <People />
      <AuditLog />
    </main>
  );
}
