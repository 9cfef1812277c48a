import assert from "node:assert/strict";
import test from "node:test";
import { actOf, begins, KEYMAP, type Situation, type Stroke } from "./keymap.ts";

const stroke = (key: string, more: Partial<Stroke> = {}): Stroke => ({
  key, ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, ...more,
});
const here: Situation = { scope: "reading", typing: false, dialog: false, enabled: true, before: "" };

test("letters act on the reading page, and are text in a field", () => {
  assert.equal(actOf(stroke("a"), here), "accept");
  assert.equal(actOf(stroke("a"), { ...here, typing: true }), null);
  assert.equal(actOf(stroke("a"), { ...here, dialog: true }), null);
});

test("switched off, no single character acts; named keys still do", () => {
  const off = { ...here, enabled: false };
  for (const { keys } of KEYMAP) for (const key of keys) if (key.length === 1) assert.equal(actOf(stroke(key), off), null);
  assert.equal(actOf(stroke("ArrowDown"), off), "sliceOn");
  assert.equal(actOf(stroke("Enter", { ctrlKey: true }), off), "sign");
});

test("Escape and Ctrl+Enter work from a text field", () => {
  const typing = { ...here, typing: true };
  assert.equal(actOf(stroke("Escape"), typing), "escape");
  assert.equal(actOf(stroke("Enter", { ctrlKey: true }), typing), "sign");
  assert.equal(actOf(stroke("z", { ctrlKey: true }), typing), null);
});

test("g and then w go to the worklist; w alone does nothing", () => {
  assert.ok(begins(stroke("g")));
  assert.equal(actOf(stroke("w"), here), null);
  assert.equal(actOf(stroke("w"), { ...here, before: "g" }), "worklist");
});

test("no key of one page has two meanings", () => {
  for (const scope of ["worklist", "reading"] as const) {
    const keys = KEYMAP.filter((it) => it.scopes.includes(scope) && it.act !== "drawEnd").flatMap((it) => it.keys);
    assert.equal(new Set(keys).size, keys.length);
  }
});
