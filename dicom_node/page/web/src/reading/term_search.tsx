import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Term } from "../api/types.ts";
import { matching, terms } from "./vocabulary.ts";

interface Props {
  label: string;
  taken: readonly string[];
  /** Takes the focus when it appears. */
  first?: boolean;
  pick(term: Term): void;
}

/** A field that finds a term of the coded vocabulary (ARIA combobox with a list). */
export function TermSearch({ label, taken, first = false, pick }: Props) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  // Before the next key: what is typed at once must not act as a shortcut.
  useLayoutEffect(() => {
    if (first) field.current?.focus();
  }, []);
  const found = matching(terms.value, typed);
  const take = (term: Term | undefined) => {
    if (!term || taken.includes(term.name)) return;
    setTyped("");
    pick(term);
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((at + step + found.length) % Math.max(found.length, 1));
    else if (event.key === "Enter") take(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <div class="term-search">
      <label for={`${id}-field`}>{label}</label>
      <input
        id={`${id}-field`}
        ref={field}
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found[at] ? `${id}-${found[at].name}` : undefined}
        autocomplete="off"
        placeholder="Type a few letters"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Findings of the vocabulary">
        {found.map((term, index) => (
          <li
            key={term.name}
            id={`${id}-${term.name}`}
            role="option"
            aria-selected={index === at}
            aria-disabled={taken.includes(term.name)}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(term)}
          >
            {term.display}
            <span class="quiet">
              {taken.includes(term.name) ? "in the list already" : term.code ? `${term.code.scheme} ${term.code.value}` : "no code"}
            </span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="quiet">The vocabulary has no such finding. Write it into the sentences by hand.</p>}
    </div>
  );
}
