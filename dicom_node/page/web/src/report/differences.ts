/** What changed between two versions of a report, in lines and words. */

import { diffWords } from "diff";
import type { Report } from "../api/types.ts";
import { PRESENCES, sided, VERDICTS } from "../words/wording.ts";

export interface Piece {
  text: string;
  kind: "same" | "new" | "gone";
}

export interface LineDifference {
  section: "Findings" | "Sentences" | "Impression" | "Addenda";
  pieces: Piece[];
}

/** The version as lines under their headings. */
export function linesOf(report: Report): Record<LineDifference["section"], string[]> {
  const stands = report.findings.filter((it) => it.decision !== "rejected" && report.state !== "rejected");
  return {
    Findings: stands.map((it) =>
      [`${sided(it.display, it.laterality)}: ${PRESENCES[it.presence].toLowerCase()}`, it.decision && VERDICTS[it.decision].toLowerCase()]
        .filter(Boolean)
        .join(", "),
    ),
    Sentences: report.narrative.findings.map((it) => it.text),
    Impression: report.narrative.impression.map((it) => it.text),
    Addenda: report.addenda.map((it) => it.text),
  };
}

/** Every line of the newer version and those of the older that are gone, words that changed marked. */
export function differences(older: Report | null, newer: Report): LineDifference[] {
  const [before, after] = [older && linesOf(older), linesOf(newer)];
  return (Object.keys(after) as LineDifference["section"][]).flatMap((section) =>
    sectionDifference(before?.[section] ?? null, after[section]).map((pieces) => ({ section, pieces })),
  );
}

function sectionDifference(before: string[] | null, after: string[]): Piece[][] {
  if (before === null) return after.map((text) => [{ text, kind: "same" }]);
  const gone = before.filter((line) => !after.includes(line));
  const lines = after.map((line) => (before.includes(line) ? [piece(line, "same")] : changed(nearest(line, gone), line)));
  return [...lines, ...gone.map((line) => [piece(line, "gone")])];
}

/** Takes the gone line that shares most words with the new one: it was rewritten, not removed. */
function nearest(line: string, gone: string[]): string | null {
  const words = new Set(line.toLowerCase().split(/\W+/));
  const shared = (other: string) => other.toLowerCase().split(/\W+/).filter((word) => word && words.has(word)).length;
  const best = gone.toSorted((one, other) => shared(other) - shared(one))[0];
  if (best === undefined || shared(best) < 2) return null;
  gone.splice(gone.indexOf(best), 1);
  return best;
}

function changed(before: string | null, after: string): Piece[] {
  if (before === null) return [piece(after, "new")];
  return diffWords(before, after).map((it) => piece(it.value, it.added ? "new" : it.removed ? "gone" : "same"));
}

function piece(text: string, kind: Piece["kind"]): Piece {
  return { text, kind };
}
