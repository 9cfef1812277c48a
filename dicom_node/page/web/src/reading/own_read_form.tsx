import { useState } from "preact/hooks";
import { reports } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { Laterality, OwnRead, Presence } from "../api/types.ts";
import { Icon } from "../ui/icon.tsx";
import { PRESENCES, SIDES } from "../words/wording.ts";
import type { Desk } from "./desk.ts";
import { TermSearch } from "./term_search.tsx";
import { displayOf } from "./vocabulary.ts";

/** The reader's own read comes first: until it is given, the node sends nothing of the draft. */
export function OwnReadForm({ desk }: { desk: Desk }) {
  const [findings, setFindings] = useState<OwnRead["findings"]>([]);
  const [text, setText] = useState("");
  const [words, setWords] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      desk.moveOn(await reports.ownRead(desk.report.value.id, { findings, text }));
    } catch (error) {
      setWords(inWords(error));
    }
  };
  const put = (at: number, change: Partial<OwnRead["findings"][number]>) =>
    setFindings(findings.map((it, index) => (index === at ? { ...it, ...change } : it)));
  return (
    <form class="draft-scroll own-read" onSubmit={submit}>
      <h2>Your own read first</h2>
      <p>The draft is shown when you have said what you see. What you say here is kept, and does not enter the report.</p>
      <ul class="picked">
        {findings.map((it, at) => (
          <li key={it.name}>
            <span class="name">{displayOf(it.name)}</span>
            <Select label="Statement" value={it.presence} words={PRESENCES} pick={(presence: Presence) => put(at, { presence })} />
            <Select label="Side" value={it.laterality} words={SIDES} pick={(laterality: Laterality) => put(at, { laterality })} />
            <button type="button" class="plain square" aria-label={`Take out ${displayOf(it.name)}`} onClick={() => setFindings(findings.toSpliced(at, 1))}>
              <Icon name="cross" />
            </button>
          </li>
        ))}
      </ul>
      <TermSearch
        label="What do you see?"
        taken={findings.map((it) => it.name)}
        pick={(term) => setFindings([...findings, { name: term.name, presence: "present", laterality: "unspecified" }])}
      />
      <label class="writing">
        In your own words, if you wish
        <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {words && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {words}
        </p>
      )}
      <button class="primary">{findings.length > 0 ? "This is my read: show the draft" : "I see nothing abnormal: show the draft"}</button>
    </form>
  );
}

function Select<T extends string>({ label, value, words, pick }: { label: string; value: T; words: Record<T, string>; pick(value: T): void }) {
  return (
    <select aria-label={label} value={value} onChange={(event) => pick(event.currentTarget.value as T)}>
      {(Object.keys(words) as T[]).map((it) => (
        <option key={it} value={it}>
          {words[it]}
        </option>
      ))}
    </select>
  );
}
