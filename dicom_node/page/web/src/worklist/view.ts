/** Which studies the worklist shows, and in which order: pure, from what the node told and what the reader chose. */

import type { StudySummary } from "../api/types.ts";
import { personName } from "../words/wording.ts";

export const FILTERS = {
  all: "All",
  open: "To sign",
  coming: "Not read yet",
  refused: "Refused",
  trouble: "In trouble",
  done: "Done",
} as const;
export type Filter = keyof typeof FILTERS;

export const COLUMNS = ["state", "patient", "modality", "study", "waiting", "report"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  column: Column;
  down: boolean;
}

/** Urgent ones first, then who waits longest. */
export const FIRST_ORDER: Order = { column: "waiting", down: true };

export function isIn(filter: Filter, study: StudySummary): boolean {
  if (filter === "all") return true;
  return filterOf(study) === filter;
}

/** The one filter, beside "all", under which a study stands. */
export function filterOf(study: StudySummary): Exclude<Filter, "all"> {
  if (study.state === "failed" || study.deliveries.parked > 0) return "trouble";
  if (study.state === "refused") return "refused";
  if (study.report === null) return "coming";
  return study.report.state === "draft" || study.report.state === "edited" ? "open" : "done";
}

export function counts(studies: readonly StudySummary[]): Record<Filter, number> {
  const found: Record<Filter, number> = { all: studies.length, open: 0, coming: 0, refused: 0, trouble: 0, done: 0 };
  for (const study of studies) found[filterOf(study)] += 1;
  return found;
}

export interface Choice {
  filter: Filter;
  modality: string;
  text: string;
  order: Order;
}

export function shown(studies: readonly StudySummary[], { filter, modality, text, order }: Choice): StudySummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return studies
    .filter((it) => isIn(filter, it) && (!modality || it.modalities.includes(modality)) && says(it, words))
    .toSorted((one, other) => urgency(other) - urgency(one) || compare(one, other, order));
}

export function modalities(studies: readonly StudySummary[]): string[] {
  return [...new Set(studies.flatMap((it) => it.modalities))].toSorted();
}

/** The list with one study told anew. */
export function upsert(studies: readonly StudySummary[], told: StudySummary): StudySummary[] {
  const at = studies.findIndex((it) => it.study_uid === told.study_uid);
  return at < 0 ? [told, ...studies] : studies.with(at, told);
}

export function turned(order: Order, column: Column): Order {
  return { column, down: order.column === column ? !order.down : column === "waiting" };
}

function says(study: StudySummary, words: readonly string[]): boolean {
  const text = [study.patient_name, personName(study.patient_name), study.patient_id, study.accession_number, study.description, study.study_date]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function urgency(study: StudySummary): number {
  return study.priority === "stat" && filterOf(study) !== "done" ? 1 : 0;
}

const KEYS: Record<Column, (study: StudySummary) => string> = {
  state: (it) => it.state,
  patient: (it) => personName(it.patient_name).toLowerCase(),
  modality: (it) => it.modalities.join(" "),
  study: (it) => it.description.toLowerCase(),
  // Longest waiting first when turned down: the earlier moment sorts behind.
  waiting: (it) => String(Number.MAX_SAFE_INTEGER - Date.parse(it.first_received)).padStart(17, "0"),
  report: (it) => it.report?.state ?? "",
};

function compare(one: StudySummary, other: StudySummary, { column, down }: Order): number {
  const key = KEYS[column];
  const order = key(one).localeCompare(key(other)) || one.study_uid.localeCompare(other.study_uid);
  return down ? -order : order;
}
