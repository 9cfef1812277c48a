import { mayEdit } from "../session/session.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { REPORT_STATES } from "../words/wording.ts";
import type { Desk } from "./desk.ts";
import type { Room } from "./room.ts";

interface Props {
  room: Room;
  desk: Desk;
}

/** What is open, whether it is saved, and the way back and forth in it. */
export function DraftHead({ room, desk }: Props) {
  const report = desk.report.value;
  const line = desk.line.value;
  return (
    <div class="draft-head">
      <h2>{report.refusal ? "Not read" : REPORT_STATES[report.state]}</h2>
      {report.refusal ? <span class="push" /> : <Saved desk={desk} />}
      {mayEdit.value && report.may.edit && (
        <>
          <Tool icon="undo" words="Undo" title="Undo (u)" disabled={line.past.length === 0} run={() => desk.undo()} />
          <Tool icon="redo" words="Redo" title="Redo (Ctrl+Shift+Z)" disabled={line.future.length === 0} run={() => desk.redo()} />
        </>
      )}
      {!report.refusal && (
        <button type="button" class="plain" title="History (v)" onClick={() => (room.dialog.value = "history")}>
          <Icon name="history" /> History
        </button>
      )}
    </div>
  );
}

function Tool(props: { icon: IconName; words: string; title: string; disabled: boolean; run(): void }) {
  return (
    <button type="button" class="plain square" aria-label={props.words} title={props.title} disabled={props.disabled} onClick={props.run}>
      <Icon name={props.icon} />
    </button>
  );
}

function Saved({ desk }: { desk: Desk }) {
  const save = desk.save.value;
  const words = {
    saved: `Version ${desk.report.value.version}, saved`,
    saving: "Saving …",
    away: "The node does not answer. Your edits wait in this page and are saved when it does.",
    "signed-out": "Not saved: your session has ended.",
    conflict: "Another reader changed this draft.",
    refused: save.kind === "refused" ? `Not saved: ${save.words}` : "",
  }[save.kind];
  const bad = save.kind !== "saved" && save.kind !== "saving";
  return (
    <div class={`saved ${bad ? "bad" : ""}`} role="status">
      {bad && <Icon name="warning" />}
      <span>{words}</span>
      {bad && save.kind !== "conflict" && (
        <button type="button" onClick={() => desk.retry()}>
          Try now
        </button>
      )}
    </div>
  );
}

/** What can be done with the report as a whole. */
export function ActBar({ room, desk }: Props) {
  const { may } = desk.report.value;
  if (!mayEdit.value || !(may.edit || may.addend || may.reject)) return null;
  const open = desk.open.value.length;
  return (
    <div class="act-bar">
      {may.edit &&
        (open > 0 ? (
          <p class="to-decide">{open} to decide</p>
        ) : (
          <p class="all-decided">
            <Icon name="check" /> Every finding is decided
          </p>
        ))}
      <span class="push" />
      {may.reject && (
        <button type="button" onClick={() => (room.dialog.value = "reject")}>
          Reject draft …
        </button>
      )}
      {may.addend && (
        <button type="button" onClick={() => (room.dialog.value = "addend")}>
          <Icon name="plus" /> Addendum …
        </button>
      )}
      {may.edit && (
        <button type="button" class="primary" title="Ctrl+Enter" onClick={() => (room.dialog.value = "sign")}>
          <Icon name="sign" /> Sign …
        </button>
      )}
    </div>
  );
}
