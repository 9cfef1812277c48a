/** One report on one reader's desk: what the node holds, what the reader has done since, and what is selected. */

import { batch, computed, signal } from "@preact/signals";
import { type Tagged, reports } from "../api/client.ts";

import type { Decision, Narrative, Report, ReportChange, ReportFinding } from "../api/types.ts";
import { decide, inOrder, nextUndecided, neighbour, sameWork, standing, undecide, undecided, type Work, workOf } from "../report/decisions.ts";
import { type SaveState, Saver } from "../report/saver.ts";
import { did, redone, type Timeline, timeline, undone } from "../report/timeline.ts";
import { ended } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { displayOf } from "./vocabulary.ts";

export class Desk {
  readonly report;
  readonly line;
  readonly save = signal<SaveState>({ kind: "saved" });
  readonly selected = signal<string | null>(null);
  readonly editing = signal<string | null>(null);
  readonly newer = signal<ReportChange | null>(null);
  readonly findings;
  readonly open;
  readonly #saver: Saver;

  constructor(first: Tagged<Report>) {
    this.report = signal(first.value);
    this.line = signal<Timeline<Work>>(timeline(workOf(first.value)));
    this.findings = computed(() => inOrder(standing(this.report.value, this.line.value.now, displayOf)));
    this.open = computed(() => undecided(this.findings.value));
    const id = first.value.id;
    this.#saver = new Saver(
      { get: () => reports.get(id), save: (etag, work) => reports.save(id, etag, { ...work, decisions: [...work.decisions] }) },
      first,
      { state: (it) => this.#told(it), kept: (it, waiting) => this.#kept(it.value, waiting) },
      (run, milliseconds) => setTimeout(run, milliseconds),
    );
    addEventListener("online", this.retry);
  }

  get work(): Work {
    return this.line.value.now;
  }

  /** Something of the reader's is not yet at the node. */
  get waiting(): boolean {
    return this.#saver.waiting;
  }

  get etag(): string {
    return this.#saver.etag;
  }

  readonly retry = (): void => {
    if (this.#saver.waiting) this.#saver.retry();
  };

  close(): void {
    removeEventListener("online", this.retry);
  }

  decide(decision: Decision): void {
    this.#do(decide(this.work, decision));
  }

  takeBack(trackingUid: string): void {
    this.#do(undecide(this.work, trackingUid));
  }

  write(narrative: Narrative | null): void {
    this.#do({ ...this.work, narrative });
  }

  undo(): void {
    this.#turn(undone(this.line.value), "Undone");
  }

  redo(): void {
    this.#turn(redone(this.line.value), "Done again");
  }

  select(trackingUid: string | null): void {
    this.selected.value = trackingUid;
  }

  step(by: 1 | -1): ReportFinding | undefined {
    const found = neighbour(this.findings.value, this.selected.value, by);
    if (found) this.select(found.tracking_uid);
    return found;
  }

  toNextUndecided(): ReportFinding | undefined {
    const found = nextUndecided(this.findings.value, this.selected.value);
    if (found) this.select(found.tracking_uid);
    return found;
  }

  finding(trackingUid: string | null): ReportFinding | undefined {
    return this.findings.value.find((it) => it.tracking_uid === trackingUid);
  }

  /** Goes on from the other reader's version with what was chosen. */
  resolve(theirs: Tagged<Report>, work: Work): void {
    batch(() => {
      this.newer.value = null;
      this.line.value = timeline(work);
      if (sameWork(workOf(theirs.value), work)) this.moveOn(theirs);
      else this.#saver.resolve(theirs, work);
    });
  }

  /** Takes the report that another act of this reader, or another reader, made. */
  moveOn(kept: Tagged<Report>): void {
    batch(() => {
      this.newer.value = null;
      this.line.value = timeline(workOf(kept.value));
      this.#saver.moveOn(kept);
      this.save.value = { kind: "saved" };
    });
  }

  /** The stream told of a version that this page did not make. */
  hear(change: ReportChange): void {
    if (change.version > this.report.value.version && !this.#saver.waiting) this.newer.value = change;
  }

  /** The same version, told again: its documents have moved on. */
  freshen(report: Report): void {
    if (report.id === this.report.value.id && report.version === this.report.value.version && !this.#saver.waiting)
      this.report.value = report;
  }

  #do(work: Work): void {
    this.line.value = did(this.line.value, work);
    this.#saver.put(work);
  }

  #turn(line: Timeline<Work>, words: string): void {
    if (line === this.line.value) return;
    this.line.value = line;
    this.#saver.put(line.now);
    announce(words);
  }

  #told(state: SaveState): void {
    this.save.value = state;
    if (state.kind === "signed-out") ended.value = true;
  }

  #kept(report: Report, waiting: boolean): void {
    this.report.value = report;
    if (!waiting && this.newer.value && this.newer.value.version <= report.version) this.newer.value = null;
  }
}
