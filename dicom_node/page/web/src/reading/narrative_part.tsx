import { useRef, useState } from "preact/hooks";
import type { Narrative, Sentence } from "../api/types.ts";
import { leftOver, sentencesOf } from "../report/decisions.ts";
import { mayEdit } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Icon } from "../ui/icon.tsx";
import { moment, personName } from "../words/wording.ts";
import type { Desk } from "./desk.ts";

const WAIT_MS = 700;

/** The sentences: they follow the decisions, until the reader writes them. */
export function NarrativePart({ desk }: { desk: Desk }) {
  const [writing, setWriting] = useState(false);
  const report = desk.report.value;
  const over = report.may.edit ? leftOver(desk.work.narrative, desk.findings.value) : [];
  const own = desk.work.narrative !== null;
  const mayWrite = mayEdit.value && report.may.edit;
  return (
    <section class="narrative" aria-label="Sentences">
      <div class="head">
        <h2>Sentences</h2>
        <span class={`tag ${own ? "own" : ""}`}>{own ? "Your own words" : "Follow the decisions"}</span>
        <span class="push" />
        {mayWrite && own && (
          <button
            type="button"
            onClick={() => {
              setWriting(false);
              desk.write(null);
              announce("The sentences follow the decisions again");
            }}
          >
            Follow the decisions again
          </button>
        )}
        {mayWrite && (
          <button type="button" aria-expanded={writing} onClick={() => setWriting(!writing)}>
            <Icon name={writing ? "check" : "pencil"} /> {writing ? "Done" : "Write"}
          </button>
        )}
      </div>
      {over.length > 0 && (
        <p class="notice warn">
          <Icon name="warning" /> Your own words still speak of what you rejected: “{over.join(" ")}”
        </p>
      )}
      {writing && mayWrite ? <Writing desk={desk} /> : <Said desk={desk} />}
      {report.addenda.map((it) => (
        <div key={it.at} class="addendum">
          <h3>Addendum</h3>
          <p>{it.text}</p>
          <p class="quiet">
            {personName(it.person)}, {moment(it.at)}
          </p>
        </div>
      ))}
    </section>
  );
}

function Said({ desk }: { desk: Desk }) {
  const { narrative } = desk.report.value;
  return (
    <div class={desk.save.value.kind === "saved" ? "" : "stale"}>
      <Lines title="Findings" lines={narrative.findings} own={narrative.own} none="No finding is stated." />
      <Lines title="Impression" lines={narrative.impression} own={narrative.own} none="No impression is stated." />
    </div>
  );
}

function Lines({ title, lines, own, none }: { title: string; lines: Sentence[]; own: boolean; none: string }) {
  return (
    <>
      <h3>{title}</h3>
      <ul class="lines">
        {lines.map((it, index) => (
          <li key={index} class={own && !it.by_model ? "own" : ""}>
            {it.text}
            {own && !it.by_model && <span class="visually-hidden"> (your own words)</span>}
          </li>
        ))}
        {lines.length === 0 && <li class="quiet">{none}</li>}
      </ul>
    </>
  );
}

function Writing({ desk }: { desk: Desk }) {
  const start = desk.work.narrative ?? desk.report.value.narrative;
  const text = useRef({ findings: joined(start.findings), impression: joined(start.impression) });
  const before = useRef(start);
  const timer = useRef(0);
  const typed = (part: "findings" | "impression", words: string) => {
    text.current[part] = words;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => desk.write(written(text.current, before.current)), WAIT_MS);
  };
  return (
    <>
      <p class="quiet">One sentence a line. Your words are kept as they are, and marked, whatever you decide later.</p>
      {(["findings", "impression"] as const).map((part) => (
        <label key={part} class="writing">
          {part === "findings" ? "Findings" : "Impression"}
          <textarea
            rows={Math.max(3, start[part].length + 1)}
            defaultValue={text.current[part]}
            onInput={(event) => typed(part, event.currentTarget.value)}
            onBlur={() => {
              // What is typed goes out with the focus, not after it.
              if (!timer.current) return;
              clearTimeout(timer.current);
              timer.current = 0;
              const now = written(text.current, before.current);
              if (JSON.stringify(now) !== JSON.stringify(desk.work.narrative)) desk.write(now);
            }}
          />
        </label>
      ))}
    </>
  );
}

function joined(lines: readonly { text: string }[]): string {
  return lines.map((it) => it.text).join("\n");
}

function written(text: { findings: string; impression: string }, before: Narrative): Narrative {
  return { findings: sentencesOf(text.findings, before.findings), impression: sentencesOf(text.impression, before.impression) };
}
