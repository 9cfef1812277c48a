/**
 * Saves a reader's work: right away, one request at a time, always the newest state.
 *
 * While the node is away the work waits in memory and goes out when the node answers again. Nothing is ever written to
 * the browser's storage. A stale version (412) stops the saving until the reader has chosen.
 */

import { Away, inWords, Problem } from "../api/problem.ts";
import type { Report } from "../api/types.ts";
import { sameWork, type Work, workOf } from "./decisions.ts";

export interface Kept {
  value: Report;
  etag: string;
}

export interface Transport {
  get(): Promise<Kept>;
  save(etag: string, work: Work): Promise<Kept>;
}

export type SaveState =
  | { kind: "saved" }
  | { kind: "saving" }
  | { kind: "away" }
  | { kind: "refused"; words: string }
  | { kind: "signed-out" }
  | { kind: "conflict"; base: Work; theirs: Kept };

export interface Told {
  state(state: SaveState): void;
  /** The node holds this now. `waiting`: newer work is still on its way. */
  kept(kept: Kept, waiting: boolean): void;
}

export type Later = (run: () => void, milliseconds: number) => void;

const RETRY_MS = [500, 1000, 2000, 4000, 8000] as const;

export class Saver {
  readonly #transport: Transport;
  readonly #told: Told;
  readonly #later: Later;
  #kept: Kept;
  #wanted: Work | null = null;
  #busy = false;
  #stopped = false;
  #refused = false;
  #tries = 0;
  #round = 0;

  constructor(transport: Transport, kept: Kept, told: Told, later: Later) {
    this.#transport = transport;
    this.#kept = kept;
    this.#told = told;
    this.#later = later;
  }

  /** True while something is not yet at the node. */
  get waiting(): boolean {
    return this.#wanted !== null || this.#busy;
  }

  get etag(): string {
    return this.#kept.etag;
  }

  /** After a refusal the next work may be the cure. */
  put(work: Work): void {
    this.#wanted = work;
    if (this.#refused) this.#stopped = this.#refused = false;
    void this.#run();
  }

  /** Tries again now: the network is back, the reader signed in again, or asked for it. */
  retry(): void {
    this.#stopped = false;
    this.#round += 1;
    void this.#run();
  }

  /** Goes on from the version of the other reader with what the reader chose. */
  resolve(theirs: Kept, work: Work): void {
    this.#kept = theirs;
    this.#wanted = work;
    this.#stopped = false;
    this.#told.kept(theirs, true);
    void this.#run();
  }

  /** Takes what another act of this reader (a signature, an addendum) made of the report. */
  moveOn(kept: Kept): void {
    this.#kept = kept;
    this.#wanted = null;
    this.#told.kept(kept, false);
  }

  async #run(): Promise<void> {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    try {
      while (this.#wanted !== null && !this.#stopped) await this.#step(this.#wanted);
    } finally {
      this.#busy = false;
    }
  }

  async #step(work: Work): Promise<void> {
    this.#told.state({ kind: "saving" });
    try {
      this.#took(work, await this.#transport.save(this.#kept.etag, work));
    } catch (error) {
      await this.#failed(error);
    }
  }

  #took(work: Work, kept: Kept): void {
    this.#kept = kept;
    this.#tries = 0;
    if (this.#wanted === work) this.#wanted = null;
    this.#told.kept(kept, this.#wanted !== null);
    if (this.#wanted === null) this.#told.state({ kind: "saved" });
  }

  async #failed(error: unknown): Promise<void> {
    this.#stopped = true;
    if (error instanceof Problem && error.status === 412) return this.#conflict();
    if (error instanceof Problem && error.status === 401) return this.#told.state({ kind: "signed-out" });
    if (error instanceof Away || (error instanceof Problem && (error.status >= 500 || error.status === 429)))
      return this.#again();
    this.#refused = true;
    this.#told.state({ kind: "refused", words: inWords(error) });
  }

  #again(): void {
    this.#told.state({ kind: "away" });
    const wait = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)] ?? 8000;
    this.#tries += 1;
    const round = (this.#round += 1);
    this.#later(() => {
      if (this.#round === round) this.retry();
    }, wait);
  }

  /** An answer that was lost on the way looks like another's edit: when the node holds what is wanted, it is not. */
  async #conflict(): Promise<void> {
    try {
      const theirs = await this.#transport.get();
      if (this.#wanted && sameWork(workOf(theirs.value), this.#wanted)) {
        this.#stopped = false;
        return this.#took(this.#wanted, theirs);
      }
      this.#told.state({ kind: "conflict", base: workOf(this.#kept.value), theirs });
    } catch {
      this.#again();
    }
  }
}
