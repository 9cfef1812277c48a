import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ReportFinding, Stated } from "../api/types.ts";
import { editOf } from "../report/decisions.ts";
import { focusFinding } from "./acts.ts";
import type { Desk } from "./desk.ts";
import type { Room } from "./room.ts";
import { StatedFields } from "./stated_fields.tsx";
import { terms } from "./vocabulary.ts";

/** Changes one finding in its place in the list. */
export function FindingEditor({ finding, room, desk }: { finding: ReportFinding; room: Room; desk: Desk }) {
  const [stated, setStated] = useState<Stated>({
    presence: finding.presence,
    laterality: finding.laterality,
    evidence: finding.evidence,
  });
  const form = useRef<HTMLFormElement>(null);
  // A box that was drawn meanwhile joins what the form holds then, not what it held when drawing began.
  const now = useRef(stated);
  now.current = stated;
  useLayoutEffect(() => {
    const here = form.current;
    here?.querySelector<HTMLInputElement>("input:checked")?.focus();
    // Before the form goes, not a frame later: the reader may have moved on by then.
    return () => here?.contains(document.activeElement) && focusFinding(finding.tracking_uid);
  }, []);
  useEffect(() => room.sketch(finding.tracking_uid, stated.evidence), [stated.evidence]);
  const leave = () => (desk.editing.value = null);
  const save = (event: Event) => {
    event.preventDefault();
    desk.decide(editOf(finding, now.current));
    leave();
  };
  return (
    <form
      ref={form}
      class="editor"
      aria-label={`Edit ${finding.display.toLowerCase()}`}
      onSubmit={save}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || room.drawing.value) return;
        event.stopPropagation();
        leave();
      }}
    >
      <StatedFields
        stated={stated}
        boxable={terms.value.find((it) => it.name === finding.name)?.boxable ?? true}
        room={room}
        change={setStated}
      />
      <div class="row">
        <button class="primary">Take this</button>
        <button type="button" onClick={leave}>
          Cancel
        </button>
      </div>
    </form>
  );
}
