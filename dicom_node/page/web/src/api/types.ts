/** What the API sends and takes: names for the types that are generated from its OpenAPI document. */

import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

export type Addendum = Schemas["Addendum"];
export type Answer = Schemas["Answer"];
export type AnswerRecord = Schemas["AnswerRecord"];
export type Ask = Schemas["Ask"];
export type Box = Schemas["Box"];
export type Decision = Schemas["Accept"] | Schemas["Change"] | Schemas["Remove"] | Schemas["Add"];
export type Me = Schemas["Me"];
export type Narrative = Schemas["Narrative"];
export type Outgoing = Schemas["Outgoing"];
export type OwnRead = Schemas["OwnRead"];
export type Principal = Schemas["Principal"];
export type Report = Schemas["Report"];
export type ReportChange = Schemas["ReportChanged"];
export type ReportFinding = Schemas["ReportFinding"];
export type Sentence = Schemas["ReportSentence"];
export type Series = Schemas["SeriesRow"];
export type Stated = Schemas["Stated"];
export type StudyDetail = Schemas["StudyDetail"];
export type StudyPage = Schemas["StudyPage"];
export type StudySummary = Schemas["StudySummary"];
export type Term = Schemas["Term"];
export type VersionEntry = Schemas["ReportVersion"];

export type Laterality = Stated["laterality"];
export type Presence = Stated["presence"];
export type Priority = StudySummary["priority"];
export type ReportState = Report["state"];
export type StudyState = StudySummary["state"];
