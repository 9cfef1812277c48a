/** Server-sent events out of text that arrives in pieces (HTML standard, "Parsing an event stream"). */

export interface StreamEvent {
  name: string;
  data: string;
}

/** Takes pieces in order; gives the events that each piece completes. */
export class EventStreamParser {
  #rest = "";
  #name = "";
  #data: string[] = [];

  push(piece: string): StreamEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): StreamEvent[] {
    if (line === "") return this.#complete();
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    return [];
  }

  #complete(): StreamEvent[] {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const told = this.#data.length > 0;
    this.#name = "";
    this.#data = [];
    return told ? [event] : [];
  }
}

/** The events of a response's body, as they arrive. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const parser = new EventStreamParser();
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    reader.releaseLock();
  }
}
