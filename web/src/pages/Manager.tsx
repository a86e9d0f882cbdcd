/** How far all are, how well they agree, and what waits for a decision. */

import type { JSX } from "react";

import { Agreement } from "../manager/Agreement";
import { AuditLog } from "../manager/AuditLog";
import { ConsistencyTable } from "../manager/ConsistencyTable";
import { Disagreements } from "../manager/Disagreements";
import { Figures } from "../manager/Figures";
import { People } from "../manager/People";
import { ProgressTable } from "../manager/ProgressTable";
import { ProjectForm } from "../manager/ProjectForm";
import { SecondStage } from "../manager/SecondStage";

export function Manager(): JSX.Element {
  return (
    <main className="manager">
      <h1>Manager</h1>
      <ProgressTable />
      <Disagreements />
      <Agreement />
      <ConsistencyTable />
      <Figures />
      <SecondStage />
      <ProjectForm />
      <People />
      <AuditLog />
    </main>
  );
}
