import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Stated, Term } from "../api/types.ts";
import { freshUid } from "../report/decisions.ts";
import { announce } from "../ui/announce.tsx";
import type { Desk } from "./desk.ts";
import type { Room } from "./room.ts";
import { StatedFields } from "./stated_fields.tsx";
import { TermSearch } from "./term_search.tsx";

const PRESENT: Stated = { presence: "present", laterality: "unspecified", evidence: [] };

/** A finding of the reader's own, from the coded vocabulary. */
export function AddFinding({ room, desk }: { room: Room; desk: Desk }) {
  const [term, setTerm] = useState<Term | null>(null);
  const [stated, setStated] = useState(PRESENT);
  const now = useRef(stated);
  now.current = stated;
  useEffect(() => room.sketch(null, stated.evidence), [stated.evidence]);
  const leave = () => (room.adding.value = false);
  const add = (event: Event) => {
    event.preventDefault();
    if (!term) return;
    const tracking_uid = freshUid((bytes) => crypto.getRandomValues(bytes));
    desk.decide({ verdict: "added", tracking_uid, name: term.name, ...now.current });
    desk.select(tracking_uid);
    announce(`${term.display} added`);
    leave();
  };
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    form.current?.scrollIntoView({ block: "nearest" });
    // The search field is gone: the focus goes on to what comes next, not back to the page's start.
    if (term) form.current?.querySelector<HTMLElement>("input:checked")?.focus();
  }, [term]);
  return (
    <form ref={form} class="editor adding" aria-label="Add a finding" onSubmit={add} onKeyDown={(event) => event.key === "Escape" && !room.drawing.value && leave()}>
      <h2>{term ? `Add: ${term.display}` : "Add a finding"}</h2>
      {!term && <TermSearch first label="Finding" taken={[]} pick={setTerm} />}
      {term && <StatedFields stated={stated} boxable={term.boxable} room={room} change={setStated} />}
      <div class="row">
        {term && <button class="primary">Add it</button>}
        {term && <button type="button" onClick={() => setTerm(null)}>Another finding</button>}
        <button type="button" onClick={leave}>
          Cancel
        </button>
      </div>
    </form>
  );
}
