/** One question, and its answer as it is written. */

import { call, once, questionsOf } from "../api/client.ts";
import { eventsOf } from "../api/event_stream.ts";
import { Away, Problem } from "../api/problem.ts";
import type { AnswerRecord, Box } from "../api/types.ts";

export interface Asked {
  text: string;
  region?: Box | null;
  series_uid?: string;
  prior_uid?: string;
}

/** Tells each piece; gives the whole record. Raises `Problem`, `Away`, or the abort of `signal`. */
export async function ask(studyUid: string, asked: Asked, piece: (text: string) => void, signal: AbortSignal): Promise<AnswerRecord> {
  const headers = { Accept: "text/event-stream", ...once() };
  const response = await call("POST", questionsOf(studyUid), asked, headers, signal);
  let record: AnswerRecord | null = null;
  for await (const event of eventsOf(response.body ?? emptyStream())) {
    const data: unknown = JSON.parse(event.data || "{}");
    if (event.name === "text") piece((data as { text: string }).text);
    if (event.name === "answer") record = data as AnswerRecord;
    if (event.name === "error") throw new Problem(Number((data as { status?: number }).status ?? 500), data as Record<string, unknown>);
  }
  if (!record) throw new Away();
  return record;
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
