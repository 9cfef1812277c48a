import assert from "node:assert/strict";
import test from "node:test";
import { EventStreamParser } from "./event_stream.ts";

test("events are whole however the text was cut", () => {
  const text = 'event: text\ndata: {"text": "Yes"}\n\n: ping\n\nevent: end\r\ndata: {}\r\n\r\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new EventStreamParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    assert.deepEqual(events, [
      { name: "text", data: '{"text": "Yes"}' },
      { name: "end", data: "{}" },
    ]);
  }
});

test("lines of data are joined, and an unfinished event is not told", () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.push("data: a\ndata: b\n\ndata: c"), [{ name: "message", data: "a\nb" }]);
});
