/** What the reader decided, as a value: what stands, what is open, and the body of the next PUT. */

import type { Box, Decision, Narrative, Presence, Report, ReportFinding, Stated } from "../api/types.ts";

/** Everything of a report that its reader can change. */
export interface Work {
  decisions: readonly Decision[];
  /** null: the sentences follow the decisions. */
  narrative: Narrative | null;
}


export function workOf(report: Report): Work {
  return { decisions: report.decisions, narrative: report.narrative.own ? ownNarrative(report) : null };
}

function ownNarrative(report: Report): Narrative {
  const bare = (lines: Report["narrative"]["findings"]) => lines.map(({ text, findings }) => ({ text, findings }));
  return { findings: bare(report.narrative.findings), impression: bare(report.narrative.impression) };
}

export function decisionOn(work: Work, trackingUid: string): Decision | undefined {
  return work.decisions.find((it) => it.tracking_uid === trackingUid);
}

/** One decision a finding: a later one takes the place of the earlier. */
export function decide(work: Work, decision: Decision): Work {
  const at = work.decisions.findIndex((it) => it.tracking_uid === decision.tracking_uid);
  const decisions = at < 0 ? [...work.decisions, decision] : work.decisions.with(at, decision);
  return { ...work, decisions };
}

export function undecide(work: Work, trackingUid: string): Work {
  return { ...work, decisions: work.decisions.filter((it) => it.tracking_uid !== trackingUid) };
}

/** An edit that states what the model stated is an acceptance. An added finding stays the reader's own. */
export function editOf(finding: ReportFinding, stated: Stated): Decision {
  if (finding.model === null)
    return { verdict: "added", tracking_uid: finding.tracking_uid, name: finding.name, ...stated };
  if (sameStatement(finding.model, stated)) return { verdict: "accepted", tracking_uid: finding.tracking_uid };
  return { verdict: "changed", tracking_uid: finding.tracking_uid, ...stated };
}

export function sameStatement(one: Stated, other: Stated): boolean {
  return (
    one.presence === other.presence && one.laterality === other.laterality && sameBoxes(one.evidence, other.evidence)
  );
}

function sameBoxes(one: readonly Box[], other: readonly Box[]): boolean {
  const text = (boxes: readonly Box[]) =>
    JSON.stringify(boxes.map((it) => [it.sop_instance_uid, it.frame, it.x0, it.y0, it.x1, it.y1]));
  return text(one) === text(other);
}

/**
 * The report's findings as they stand under `work`; one that the reader removed stays listed, one undone goes.
 *
 * `model` holds what the model stated, for each that is the model's: null is a finding of a person's own.
 */
export function standing(report: Report, work: Work, display: (name: string) => string): ReportFinding[] {
  const ofModel = report.findings
    .filter((it) => it.decision !== "added")
    .map((it) => decided(it, decisionOn(work, it.tracking_uid)));
  const added = work.decisions.filter((it) => it.verdict === "added").map((it) => ({
    ...ownFinding(it, display),
    person: report.findings.find((one) => one.tracking_uid === it.tracking_uid)?.person ?? null,
  }));
  return [...ofModel, ...added];
}

function decided(finding: ReportFinding, decision: Decision | undefined): ReportFinding {
  const { presence, laterality, evidence } = finding;
  const model = finding.model ?? { presence, laterality, evidence };
  const stated = decision?.verdict === "changed" ? decision : model;
  return {
    ...finding,
    presence: stated.presence,
    laterality: stated.laterality,
    evidence: stated.evidence,
    decision: decision?.verdict ?? null,
    model,
  };
}

function ownFinding(added: Decision & { verdict: "added" }, display: (name: string) => string): ReportFinding {
  return {
    ...added,
    display: display(added.name),
    probability: null,
    certainty: "",
    image_reliance: null,
    by: "person",
    person: null,
    decision: "added",
    model: null,
  };
}

/** What is there first, then what is open, then what is not seen; the reader's own behind the model's. */
export function inOrder(findings: readonly ReportFinding[]): ReportFinding[] {
  const order: readonly Presence[] = ["present", "indeterminate", "absent"];
  // By what the model stated, so that a decision moves nothing under the reader's hand.
  const place = (it: ReportFinding) => (it.model ? order.indexOf(it.model.presence) : order.length);
  return findings.toSorted((one, other) => place(one) - place(other));
}

export function undecided(findings: readonly ReportFinding[]): ReportFinding[] {
  return findings.filter((it) => it.decision === null);
}

/** The next finding without a decision, behind the given one and then from the top. */
export function nextUndecided(findings: readonly ReportFinding[], from: string | null): ReportFinding | undefined {
  const at = findings.findIndex((it) => it.tracking_uid === from);
  return undecided([...findings.slice(at + 1), ...findings.slice(0, Math.max(at, 0))])[0];
}

/** The neighbour in the list, by `step`; the first or last one from outside. */
export function neighbour(findings: readonly ReportFinding[], from: string | null, step: 1 | -1): ReportFinding | undefined {
  const at = findings.findIndex((it) => it.tracking_uid === from);
  if (at < 0) return step === 1 ? findings[0] : findings.at(-1);
  return findings[Math.min(findings.length - 1, Math.max(0, at + step))];
}

/** A UID of one's own: "2.25." and a random 128-bit number (PS3.5 B.2). */
export function freshUid(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  const bytes = random(new Uint8Array(16));
  return `2.25.${bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)}`;
}

/** Text of one's own as sentences, one a line; a line that stood before still speaks of the same findings. */
export function sentencesOf(text: string, before: readonly { text: string; findings: string[] }[]): Narrative["findings"] {
  const spokenOf = new Map(before.map((it) => [it.text.trim(), it.findings]));
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => ({ text: line, findings: spokenOf.get(line) ?? [] }));
}

/** Sentences of one's own that speak of a finding which was rejected, and which nothing else states. */
export function leftOver(narrative: Narrative | null, findings: readonly ReportFinding[]): string[] {
  const stands = (name: string) => findings.some((it) => it.name === name && it.decision !== "rejected");
  const rejected = (name: string) => findings.some((it) => it.name === name && it.decision === "rejected") && !stands(name);
  const lines = narrative ? [...narrative.findings, ...narrative.impression] : [];
  return [...new Set(lines.filter((it) => it.findings.some(rejected)).map((it) => it.text))];
}

export function sameWork(one: Work, other: Work): boolean {
  return canonical(one) === canonical(other);
}

function canonical(work: Work): string {
  const decisions = work.decisions.map(keyed).toSorted();
  const lines = (it: Narrative["findings"]) => it.map(({ text, findings }) => [text, findings]);
  return JSON.stringify([decisions, work.narrative && [lines(work.narrative.findings), lines(work.narrative.impression)]]);
}

export function keyed(decision: Decision): string {
  const stated = "presence" in decision ? [decision.presence, decision.laterality, sortedBoxes(decision.evidence)] : [];
  return JSON.stringify([decision.tracking_uid, decision.verdict, "name" in decision ? decision.name : "", ...stated]);
}

function sortedBoxes(boxes: readonly Box[]): unknown[] {
  return boxes.map((it) => [it.sop_instance_uid, it.frame, it.x0, it.y0, it.x1, it.y1]);
}
