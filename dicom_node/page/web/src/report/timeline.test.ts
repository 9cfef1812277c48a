import assert from "node:assert/strict";
import test from "node:test";
import { did, redone, timeline, undone } from "./timeline.ts";

test("undo and redo go back and forth, and a new act forgets what was undone", () => {
  const line = did(did(timeline(0), 1), 2);
  assert.equal(undone(line).now, 1);
  assert.equal(redone(undone(line)).now, 2);
  assert.equal(redone(did(undone(line), 9)).now, 9);
  assert.equal(undone(timeline(0)).now, 0);
});
