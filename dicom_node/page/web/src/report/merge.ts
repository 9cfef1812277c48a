/** Two people edited the same version: what each decided since, and what has to be chosen. */

import type { Decision, Narrative } from "../api/types.ts";
import { decisionOn, keyed, type Work } from "./decisions.ts";

export type Choice = "mine" | "theirs";

/** One finding on which the two differ. `undefined`: without a decision. */
export interface Difference {
  tracking_uid: string;
  base: Decision | undefined;
  mine: Decision | undefined;
  theirs: Decision | undefined;
  /** Set where only one side changed: nothing is lost by following it. Null: the reader chooses. */
  settled: Choice | null;
}

export interface Conflict {
  findings: Difference[];
  narrative: { mine: Narrative | null; theirs: Narrative | null; settled: Choice | null } | null;
}

export function compare(base: Work, mine: Work, theirs: Work): Conflict {
  const uids = new Set([...base.decisions, ...theirs.decisions, ...mine.decisions].map((it) => it.tracking_uid));
  const findings = [...uids].flatMap((uid) => {
    const [was, my, their] = [base, mine, theirs].map((work) => decisionOn(work, uid));
    if (same(my, their)) return [];
    return [{ tracking_uid: uid, base: was, mine: my, theirs: their, settled: oneSided(same(was, my), same(was, their)) }];
  });
  return { findings, narrative: compareNarratives(base.narrative, mine.narrative, theirs.narrative) };
}

function compareNarratives(
  base: Narrative | null,
  mine: Narrative | null,
  theirs: Narrative | null,
): Conflict["narrative"] {
  const text = (it: Narrative | null) => JSON.stringify(it);
  if (text(mine) === text(theirs)) return null;
  return { mine, theirs, settled: oneSided(text(base) === text(mine), text(base) === text(theirs)) };
}

function oneSided(mineUnchanged: boolean, theirsUnchanged: boolean): Choice | null {
  if (mineUnchanged) return "theirs";
  return theirsUnchanged ? "mine" : null;
}

function same(one: Decision | undefined, other: Decision | undefined): boolean {
  return (one && keyed(one)) === (other && keyed(other));
}

export type Choices = ReadonlyMap<string, Choice>;
export const NARRATIVE = "narrative";

/** What still has to be chosen before the two can become one. */
export function open(conflict: Conflict, choices: Choices): string[] {
  const findings = conflict.findings.filter((it) => chosen(it.tracking_uid, it.settled, choices) === null);
  const narrative = conflict.narrative && chosen(NARRATIVE, conflict.narrative.settled, choices) === null;
  return [...findings.map((it) => it.tracking_uid), ...(narrative ? [NARRATIVE] : [])];
}

export function chosen(key: string, settled: Choice | null, choices: Choices): Choice | null {
  return choices.get(key) ?? settled;
}

/** Theirs, with mine where mine was chosen. Call it once nothing is open. */
export function merged(conflict: Conflict, theirs: Work, choices: Choices): Work {
  const decisions = conflict.findings.reduce<readonly Decision[]>((all, it) => {
    if (chosen(it.tracking_uid, it.settled, choices) !== "mine") return all;
    const others = all.filter((one) => one.tracking_uid !== it.tracking_uid);
    return it.mine ? [...others, it.mine] : others;
  }, theirs.decisions);
  const words = conflict.narrative;
  const own = words && chosen(NARRATIVE, words.settled, choices) === "mine";
  return { decisions, narrative: own ? words.mine : theirs.narrative };
}
