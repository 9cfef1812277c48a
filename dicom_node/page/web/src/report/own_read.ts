/** The reader's own read against the draft: where the two differ. */

import type { Laterality, OwnRead, Presence, ReportFinding } from "../api/types.ts";

export interface Beside {
  name: string;
  yours: { presence: Presence; laterality: Laterality } | null;
  draft: { presence: Presence; laterality: Laterality } | null;
  agrees: boolean;
}

/** One row a finding that either names as present or uncertain; what differs stands first. */
export function beside(read: OwnRead, findings: readonly ReportFinding[]): Beside[] {
  const ofModel = findings.filter((it) => it.model !== null);
  const names = new Set([
    ...read.findings.map((it) => it.name),
    ...ofModel.filter((it) => it.model?.presence !== "absent").map((it) => it.name),
  ]);
  const rows = [...names].map((name) => {
    const yours = read.findings.find((it) => it.name === name) ?? null;
    const draft = ofModel.find((it) => it.name === name)?.model ?? null;
    return { name, yours, draft, agrees: agree(yours, draft) };
  });
  return rows.toSorted((one, other) => Number(one.agrees) - Number(other.agrees));
}

/** What the reader did not name, the reader did not see. */
function agree(yours: Beside["yours"], draft: Beside["draft"]): boolean {
  const presence = yours?.presence ?? "absent";
  if (!draft || presence !== draft.presence) return false;
  if (!yours || presence === "absent") return true;
  const unsaid = yours.laterality === "unspecified" || draft.laterality === "unspecified";
  return unsaid || yours.laterality === draft.laterality;
}
