/** What is open on the reading page: the study, its report, the image's commands, and what is being drawn. */

import { computed, signal } from "@preact/signals";
import { reports, studies } from "../api/client.ts";
import { onChange } from "../api/live.ts";
import { inWords } from "../api/problem.ts";
import type { AnswerRecord, Box, ReportChange, Series, StudyDetail } from "../api/types.ts";
import { sided } from "../words/wording.ts";
import type { DrawnBox, MarkedBox, SeriesRef, ViewerCommands, ViewerStatus } from "../viewer/types.ts";
import { Desk } from "./desk.ts";
import { loadVocabulary } from "./vocabulary.ts";

const OWN_SAVE_MS = 700;

/** A box is wanted: what for, in words, and who takes it. */
export interface Drawing {
  words: string;
  take(box: Box): void;
  /** Gives the focus back to what asked for the box. */
  back(): void;
}

export class Room {
  readonly study = signal<StudyDetail | null>(null);
  readonly desk = signal<Desk | null>(null);
  readonly trouble = signal("");
  readonly series = signal<SeriesRef | null>(null);
  readonly prior = signal<SeriesRef | null>(null);
  readonly commands = signal<ViewerCommands | null>(null);
  readonly status = signal<ViewerStatus | null>(null);
  readonly boxesVisible = signal(true);
  readonly drawing = signal<Drawing | null>(null);
  readonly answers = signal<AnswerRecord[]>([]);
  /** Set while an answer is being written. */
  readonly stopAnswer = signal<(() => void) | null>(null);
  readonly shownAnswer = signal<AnswerRecord | null>(null);
  /** Boxes of a finding that is being edited or added: on the image before they are taken. */
  readonly sketched = signal<{ of: string | null; boxes: Box[] }>({ of: null, boxes: [] });
  readonly dialog = signal<"sign" | "reject" | "addend" | "history" | null>(null);
  readonly adding = signal(false);
  readonly boxes = computed(() => [...this.#findingBoxes(), ...this.#answerBoxes(), ...this.#sketchedBoxes()]);
  readonly #uid: string;
  readonly #stop: () => void;

  constructor(uid: string) {
    this.#uid = uid;
    this.#stop = onChange({
      study: (told) => {
        if (told.study_uid === uid) void this.#refresh();
      },
      report: (told) => {
        // Our own save may be on its way back: its version is known a moment later.
        if (told.study_uid === uid) setTimeout(() => void this.#hear(told), OWN_SAVE_MS);
      },
      reset: () => void this.#refresh(),
    });
  }

  close(): void {
    this.#stop();
    this.desk.value?.close();
  }

  async load(): Promise<void> {
    try {
      const [study] = await Promise.all([studies.get(this.#uid), loadVocabulary()]);
      this.study.value = study;
      this.series.value ??= firstImages(study);
      this.trouble.value = "";
      await this.#openReport();
    } catch (error) {
      this.trouble.value = inWords(error);
    }
  }

  /** Shows the box: the image goes to it, the list selects it. */
  show(id: string): void {
    this.desk.value?.select(id);
    this.boxesVisible.value = true;
    const first = this.boxes.value.find((it) => owner(it.id) === id);
    if (first) this.commands.value?.showBox(first.id);
  }

  /** Shows boxes in the place of a finding's own; returns how to end that. */
  sketch(of: string | null, boxes: Box[]): () => void {
    this.sketched.value = { of, boxes };
    return () => (this.sketched.value = { of: null, boxes: [] });
  }

  draw(words: string, take: (box: Box) => void): void {
    const asked = document.activeElement;
    this.drawing.value = { words, take, back: () => asked instanceof HTMLElement && asked.focus() };
  }

  drawn({ sopInstanceUid, frame, x0, y0, x1, y1 }: DrawnBox): void {
    const drawing = this.drawing.value;
    this.leaveDrawing();
    drawing?.take({ sop_instance_uid: sopInstanceUid, frame, x0, y0, x1, y1 });
  }

  leaveDrawing(): void {
    this.drawing.value = null;
  }

  async #refresh(): Promise<void> {
    try {
      this.study.value = await studies.get(this.#uid);
      const desk = this.desk.value;
      if (desk) desk.freshen((await reports.get(desk.report.value.id)).value);
      else await this.#openReport();
    } catch {
      // The next event tries again; what is shown still stands.
    }
  }

  async #openReport(): Promise<void> {
    const [newest] = await studies.reports(this.#uid);
    if (!newest || this.desk.value) return;
    this.desk.value = new Desk(await reports.get(newest.id));
  }

  async #hear(told: ReportChange): Promise<void> {
    const desk = this.desk.value;
    if (!desk) return this.#refresh();
    if (told.id === desk.report.value.id) return desk.hear(told);
    // A newer reading: the node says so in the report's `superseded_by`.
    const again = await reports.get(desk.report.value.id).catch(() => null);
    if (again?.value.superseded_by) desk.report.value = { ...desk.report.value, superseded_by: again.value.superseded_by };
  }

  #findingBoxes(): MarkedBox[] {
    const edited = this.sketched.value.of;
    return (this.desk.value?.findings.value ?? []).flatMap((finding, index) =>
      (finding.tracking_uid === edited ? [] : finding.evidence).map((box, part) => ({
        ...placed(box),
        id: `${finding.tracking_uid}#${part}`,
        label: `${index + 1} ${sided(finding.display, finding.laterality)}`,
        kind: finding.decision === "rejected" ? "rejected" : finding.decision === "changed" || finding.by === "person" ? "person" : "model",
      })),
    );
  }

  #sketchedBoxes(): MarkedBox[] {
    const { of, boxes } = this.sketched.value;
    return boxes.map((box, part) => ({ ...placed(box), id: `${of ?? "new"}#${part}`, label: `Box ${part + 1}`, kind: "person" }));
  }

  #answerBoxes(): MarkedBox[] {
    return (this.shownAnswer.value?.answer.evidence ?? []).map((box, part) => ({
      ...placed(box),
      id: `answer#${part}`,
      label: "Answer",
      kind: "answer",
    }));
  }
}

/** The finding whose box it is. */
export function owner(boxId: string): string {
  return boxId.split("#")[0] ?? boxId;
}

export function firstImages(study: StudyDetail): SeriesRef | null {
  const first = withImages(study)[0];
  return first ? { studyUid: study.study_uid, seriesUid: first.series_uid } : null;
}

export function withImages(study: StudyDetail): Series[] {
  return study.series.filter((it) => it.instances.some((one) => one.is_image));
}

function placed({ sop_instance_uid, frame, x0, y0, x1, y1 }: Box): DrawnBox {
  return { sopInstanceUid: sop_instance_uid, frame, x0, y0, x1, y1 };
}
