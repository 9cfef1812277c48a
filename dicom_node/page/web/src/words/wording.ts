/** States, dates and numbers in the words of this product: the same word for the same thing everywhere. */

import type { Laterality, Presence, ReportState, StudyState } from "../api/types.ts";

export const STUDY_STATES: Record<StudyState, string> = {
  receiving: "Receiving",
  queued: "Waiting to be read",
  reading: "Being read",
  drafted: "Drafted",
  delivered: "Draft delivered",
  refused: "Refused",
  failed: "Failed",
};

export const REPORT_STATES: Record<ReportState, string> = {
  draft: "Draft",
  edited: "Edited",
  signed: "Signed",
  addended: "Signed, with addendum",
  rejected: "Rejected",
};

export const PRESENCES: Record<Presence, string> = {
  present: "Present",
  indeterminate: "Uncertain",
  absent: "Not seen",
};

export const SIDES: Record<Laterality, string> = {
  unspecified: "No side",
  right: "Right",
  left: "Left",
  bilateral: "Both sides",
};

export const VERDICTS = { accepted: "Accepted", changed: "Changed", rejected: "Rejected", added: "Added" } as const;

/** For example: Right pleural effusion. */
export function sided(display: string, laterality: Laterality): string {
  if (laterality === "unspecified") return display;
  const side = laterality[0]?.toUpperCase() + laterality.slice(1);
  return `${side} ${display[0]?.toLowerCase() ?? ""}${display.slice(1)}`;
}

/** Whole percent; never a certainty that the model does not have. */
export function percent(probability: number): string {
  if (probability > 0.99) return "more than 99 %";
  return probability < 0.01 ? "less than 1 %" : `${Math.round(100 * probability)} %`;
}

/** A PN value (PS3.5 6.2.1) as people write it: Family, Given. */
export function personName(value: string): string {
  const [family = "", given = "", middle = ""] = (value.split("=")[0] ?? "").split("^").map((part) => part.trim());
  const first = [given, middle].filter(Boolean).join(" ");
  return family && first ? `${family}, ${first}` : family || first || "–";
}

/** A DA value (PS3.5 6.2) as 2026-01-31. */
export function day(da: string): string {
  return /^\d{8}$/.test(da) ? `${da.slice(0, 4)}-${da.slice(4, 6)}-${da.slice(6)}` : da || "–";
}

/** A TM value (PS3.5 6.2) as 09:15, or "". */
export function hour(tm: string): string {
  return /^\d{4}/.test(tm) ? `${tm.slice(0, 2)}:${tm.slice(2, 4)}` : "";
}

/** Whole years between two DA values, or null. Nobody is 76 before the birthday. */
export function ageInYears(birth: string, at: string): number | null {
  if (!/^\d{8}$/.test(birth) || !/^\d{8}$/.test(at)) return null;
  const years = Math.floor((Number(at) - Number(birth)) / 10000);
  return years >= 0 && years <= 150 ? years : null;
}

export const SEXES: Record<string, string> = { M: "male", F: "female", O: "other" };

/** For example: 64 years, female. */
export function ageAndSex(birth: string, sex: string, studyDate: string): string {
  const age = ageInYears(birth, studyDate);
  return [age === null ? "" : `${age} years`, SEXES[sex] ?? ""].filter(Boolean).join(", ");
}

/** Born, age and sex in one line: 1961-03-04, 64 years, female. */
export function bornAndSex(birth: string, sex: string, studyDate: string): string {
  return [birth ? day(birth) : "", ageAndSex(birth, sex, studyDate)].filter(Boolean).join(", ") || "–";
}

/** How long ago, in one unit: 4 min, 3 h, 12 d. */
export function waiting(since: string, now: number): string {
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  if (Number.isNaN(minutes)) return "–";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** A moment in the reader's own time: 2026-01-31 09:15. */
export function moment(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "–";
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Boxes are numbered over the whole report in the order of its findings. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
