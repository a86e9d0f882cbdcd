/** Short names for the documents of the wire. */

import type { components } from "./schema";

/** The client gives arrays where the schema says tuples. */
type Loose<T> = T extends readonly (infer Element)[]
  ? Loose<Element>[]
  : T extends object
    ? { [Key in keyof T]: Loose<T[Key]> }
    : T;
type Schemas = Loose<components["schemas"]>;

export type SessionInfo = Schemas["SessionInfo"];
export type Person = Schemas["Person"];
export type Project = Schemas["Project"];
export type PhotoItem = Schemas["PhotoItem"];
export type PhotoDocument = Schemas["PhotoDocument"];
export type ObjectItem = Schemas["ObjectItem"];
export type ServerMask = Schemas["Mask"];
export type Order = Schemas["Order"];
export type Proposal = Schemas["Proposal"];
export type Consensus = Schemas["Consensus"];
export type Task = Schemas["Task"];
export type Revision = Schemas["Revision"];
export type Progress = Schemas["Progress"];
export type Consistency = Schemas["Consistency"];
export type StagePlan = Schemas["StagePlan"];
