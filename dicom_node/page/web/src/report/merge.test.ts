import assert from "node:assert/strict";
import test from "node:test";
import type { Decision } from "../api/types.ts";
import type { Work } from "./decisions.ts";
import { compare, merged, NARRATIVE, open } from "./merge.ts";

const accept = (uid: string): Decision => ({ verdict: "accepted", tracking_uid: uid });
const remove = (uid: string): Decision => ({ verdict: "rejected", tracking_uid: uid });
const work = (...decisions: Decision[]): Work => ({ decisions, narrative: null });
const NONE = new Map<string, "mine" | "theirs">();

test("decisions on different findings need no choice and none is lost", () => {
  const conflict = compare(work(), work(accept("1")), work(remove("2")));
  assert.deepEqual(open(conflict, NONE), []);
  const uids = merged(conflict, work(remove("2")), NONE).decisions.map((it) => it.tracking_uid);
  assert.deepEqual(uids.toSorted(), ["1", "2"]);
});

test("two decisions on one finding wait for the reader's choice", () => {
  const theirs = work(remove("1"));
  const conflict = compare(work(), work(accept("1")), theirs);
  assert.deepEqual(open(conflict, NONE), ["1"]);
  assert.deepEqual(merged(conflict, theirs, new Map([["1", "mine" as const]])).decisions, [accept("1")]);
  assert.deepEqual(merged(conflict, theirs, new Map([["1", "theirs" as const]])).decisions, [remove("1")]);
});

test("a decision that I took back stays taken back", () => {
  const base = work(accept("1"));
  const theirs = work(accept("1"), accept("2"));
  const conflict = compare(base, work(), theirs);
  assert.deepEqual(merged(conflict, theirs, NONE).decisions, [accept("2")]);
});

test("the same decision twice is no conflict", () => {
  assert.deepEqual(compare(work(), work(accept("1")), work(accept("1"))), { findings: [], narrative: null });
});

test("two narratives wait for the reader's choice", () => {
  const says = (text: string): Work => ({ decisions: [], narrative: { findings: [{ text, findings: [] }], impression: [] } });
  const conflict = compare(work(), says("mine"), says("theirs"));
  assert.deepEqual(open(conflict, NONE), [NARRATIVE]);
  const mine = merged(conflict, says("theirs"), new Map([[NARRATIVE, "mine" as const]]));
  assert.equal(mine.narrative?.findings[0]?.text, "mine");
});
