import assert from "node:assert/strict";
import test from "node:test";
import type { Laterality, Presence, ReportFinding } from "../api/types.ts";
import { beside } from "./own_read.ts";

const drafted = (name: string, presence: Presence, laterality: Laterality = "unspecified"): ReportFinding =>
  ({ name, model: { presence, laterality, evidence: [] } }) as unknown as ReportFinding;
const read = (...findings: { name: string; presence: Presence; laterality: Laterality }[]) => ({ findings, text: "" });

test("what the draft states and the reader did not name differs, and stands first", () => {
  const rows = beside(read({ name: "mass", presence: "present", laterality: "left" }), [
    drafted("mass", "present", "left"),
    drafted("effusion", "present", "right"),
  ]);
  assert.deepEqual(rows.map((it) => [it.name, it.agrees]), [["effusion", false], ["mass", true]]);
});

test("another side differs, a side that one of them left open does not", () => {
  const left = read({ name: "mass", presence: "present", laterality: "left" });
  assert.equal(beside(left, [drafted("mass", "present", "right")])[0]?.agrees, false);
  assert.equal(beside(left, [drafted("mass", "present")])[0]?.agrees, true);
});

test("what neither names is no row", () => {
  assert.deepEqual(beside(read(), [drafted("mass", "absent")]), []);
});
