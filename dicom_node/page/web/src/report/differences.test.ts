import assert from "node:assert/strict";
import test from "node:test";
import type { Report } from "../api/types.ts";
import { differences } from "./differences.ts";

const version = (...sentences: string[]): Report =>
  ({
    state: "edited", findings: [], addenda: [],
    narrative: { findings: sentences.map((text) => ({ text, findings: [] })), impression: [], own: false },
  }) as unknown as Report;

const marked = (older: Report | null, newer: Report) =>
  differences(older, newer).map(({ pieces }) => pieces.map(({ text, kind }) => ({ same: text, new: `+${text}+`, gone: `-${text}-` })[kind]).join(""));

test("a rewritten line shows the words that changed, not two lines", () => {
  assert.deepEqual(marked(version("Small right effusion."), version("Small left effusion.")), ["Small -right-+left+ effusion."]);
});

test("a line of its own is new, one without a successor is gone", () => {
  assert.deepEqual(marked(version("Heart large."), version("Lungs are clear.")), ["+Lungs are clear.+", "-Heart large.-"]);
});

test("the first version has nothing to differ from", () => {
  assert.deepEqual(marked(null, version("Lungs are clear.")), ["Lungs are clear."]);
});
