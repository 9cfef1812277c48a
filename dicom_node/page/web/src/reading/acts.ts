/** What each key does on the reading page. */

import type { Acts } from "../keys/listening.ts";
import { mayEdit } from "../session/session.ts";
import { go } from "../ui/route.ts";
import type { Desk } from "./desk.ts";
import type { Room } from "./room.ts";
import { showPrior } from "./priors.ts";

const PEEK_MS = 400;

export function readingActs(room: Room): Acts {
  return { ...pageActs(room), ...imageActs(room), ...(room.desk.value ? findingActs(room, room.desk.value) : {}) };
}

function pageActs(room: Room): Acts {
  return {
    ask: () => document.getElementById("question")?.focus(),
    worklist: () => go("/"),
    escape: () => escape(room),
  };
}

function escape(room: Room): void {
  if (room.drawing.value) room.leaveDrawing();
  else if (room.stopAnswer.value) room.stopAnswer.value();
  else if (room.adding.value) room.adding.value = false;
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

function findingActs(room: Room, desk: Desk): Acts {
  const step = (by: 1 | -1) => () => {
    const found = desk.step(by);
    if (found) {
      room.show(found.tracking_uid);
      focusFinding(found.tracking_uid);
    }
  };
  const reading: Acts = { next: step(1), previous: step(-1), history: () => (room.dialog.value = "history") };
  if (!mayEdit.value || !desk.report.value.may.edit || desk.report.value.hidden) return reading;
  return {
    ...reading,
    accept: () => judge(room, desk, "accepted"),
    reject: () => judge(room, desk, "rejected"),
    edit: () => (desk.editing.value = desk.selected.value),
    add: () => (room.adding.value = true),
    undo: () => desk.undo(),
    redo: () => desk.redo(),
    sign: () => (room.dialog.value = "sign"),
  };
}

/** Decides on the selected finding, and by key goes to the next one that is open. */
export function judge(room: Room, desk: Desk, verdict: "accepted" | "rejected", goOn = true): void {
  const finding = desk.finding(desk.selected.value);
  if (!finding) return;
  if (finding.decision === "added") {
    if (verdict === "rejected") desk.takeBack(finding.tracking_uid);
    return;
  }
  desk.decide({ verdict, tracking_uid: finding.tracking_uid });
  const next = goOn && desk.toNextUndecided();
  if (next) {
    room.show(next.tracking_uid);
    focusFinding(next.tracking_uid);
  }
}

export function focusFinding(trackingUid: string): void {
  const row = document.getElementById(`finding-${trackingUid}`);
  row?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

function imageActs(room: Room): Acts {
  const with_ = (run: (commands: NonNullable<typeof room.commands.value>) => void) => () => {
    if (room.commands.value) run(room.commands.value);
  };
  const move = (dx: number, dy: number) => (event: KeyboardEvent) => {
    const commands = room.commands.value;
    if (!commands) return;
    if (room.drawing.value) commands.moveDrawing(dx, dy, event.shiftKey);
    else if (event.shiftKey) commands.pan(40 * dx, 40 * dy);
    else if (dy) commands.scroll(dy);
  };
  const acts: Acts = {
    sliceBack: move(0, -1),
    sliceOn: move(0, 1),
    drawLeft: move(-1, 0),
    drawRight: move(1, 0),
    panUp: move(0, -1),
    panDown: move(0, 1),
    panLeft: move(-1, 0),
    panRight: move(1, 0),
    sliceBackTen: with_((it) => it.scroll(-10)),
    sliceOnTen: with_((it) => it.scroll(10)),
    sliceFirst: with_((it) => it.scrollTo("first")),
    sliceLast: with_((it) => it.scrollTo("last")),
    invert: with_((it) => it.invert()),
    flip: with_((it) => it.flip()),
    zoomIn: with_((it) => it.zoom(1.25)),
    zoomOut: with_((it) => it.zoom(0.8)),
    fit: with_((it) => it.fit()),
    length: with_((it) => it.length()),
    prior: () => void showPrior(room),
    boxes: (event) => toggleBoxes(room, event),
  };
  for (const n of [0, 1, 2, 3, 4, 5] as const) acts[`preset${n}`] = with_((it) => it.windowPreset(n));
  return room.drawing.value ? { ...acts, drawEnd: with_((it) => it.finishDrawing()) } : acts;
}

/** Pressed: hides or shows. Held: a look without them for as long. */
function toggleBoxes(room: Room, event: KeyboardEvent): void {
  if (event.repeat) return;
  const since = event.timeStamp;
  room.boxesVisible.value = !room.boxesVisible.value;
  const up = (released: KeyboardEvent) => {
    if (released.key !== event.key) return;
    removeEventListener("keyup", up);
    if (released.timeStamp - since > PEEK_MS) room.boxesVisible.value = !room.boxesVisible.value;
  };
  addEventListener("keyup", up);
}
