import assert from "node:assert/strict";
import test from "node:test";
import { Away, Problem } from "../api/problem.ts";
import type { Decision, Report } from "../api/types.ts";
import type { Work } from "./decisions.ts";
import { type Kept, type SaveState, Saver } from "./saver.ts";

const accept = (uid: string): Work => ({ decisions: [{ verdict: "accepted", tracking_uid: uid }], narrative: null });
const kept = (version: number, decisions: readonly Decision[] = []): Kept => ({
  etag: `"${version}"`,
  value: { version, decisions, narrative: { findings: [], impression: [], own: false } } as unknown as Report,
});

/** A node that keeps what it is given, fails as it is told, and a clock that the test winds. */
class Bench {
  node = kept(1);
  failures: unknown[] = [];
  states: SaveState[] = [];
  later: (() => void)[] = [];
  saved: [string, Work][] = [];
  saver = new Saver(
    {
      get: async () => this.node,
      save: async (etag, work) => {
        this.saved.push([etag, work]);
        const failure = this.failures.shift();
        if (failure) throw failure;
        if (etag !== this.node.etag) throw new Problem(412, {});
        this.node = kept(this.node.value.version + 1, work.decisions);
        return this.node;
      },
    },
    this.node,
    { state: (it) => this.states.push(it), kept: () => undefined },
    (run) => this.later.push(run),
  );

  get last(): string | undefined {
    return this.states.at(-1)?.kind;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 1));

test("work that arrives while a save is under way goes out on the new version", async () => {
  const bench = new Bench();
  bench.saver.put(accept("1"));
  bench.saver.put(accept("2"));
  await settled();
  assert.deepEqual(bench.saved.map(([etag]) => etag), ['"1"', '"2"']);
  assert.equal(bench.last, "saved");
});

test("work waits while the node is away and arrives when it is back", async () => {
  const bench = new Bench();
  bench.failures = [new Away(), new Away()];
  bench.saver.put(accept("1"));
  await settled();
  assert.equal(bench.last, "away");
  assert.ok(bench.saver.waiting);
  bench.later.shift()?.();
  await settled();
  bench.later.shift()?.();
  await settled();
  assert.deepEqual(bench.node.value.decisions, accept("1").decisions);
  assert.equal(bench.last, "saved");
});

test("a stale version stops the saving until the reader has chosen", async () => {
  const bench = new Bench();
  bench.node = kept(5, accept("9").decisions);
  bench.saver.put(accept("1"));
  await settled();
  assert.equal(bench.last, "conflict");
  bench.saver.put(accept("2"));
  await settled();
  assert.equal(bench.saved.length, 1);
  bench.saver.resolve(bench.node, accept("2"));
  await settled();
  assert.equal(bench.last, "saved");
  assert.deepEqual(bench.node.value.decisions, accept("2").decisions);
});

test("a save whose answer was lost is not taken for another reader's", async () => {
  const bench = new Bench();
  bench.node = kept(2, accept("1").decisions);
  bench.saver.put(accept("1"));
  await settled();
  assert.equal(bench.last, "saved");
});

test("an ended session keeps the work for after the next sign-in", async () => {
  const bench = new Bench();
  bench.failures = [new Problem(401, {})];
  bench.saver.put(accept("1"));
  await settled();
  assert.equal(bench.last, "signed-out");
  bench.saver.retry();
  await settled();
  assert.equal(bench.last, "saved");
});

test("a refusal is said in the node's words", async () => {
  const bench = new Bench();
  bench.failures = [new Problem(409, { detail: "A newer reading took its place." })];
  bench.saver.put(accept("1"));
  await settled();
  assert.deepEqual(bench.states.at(-1), { kind: "refused", words: "A newer reading took its place." });
});
