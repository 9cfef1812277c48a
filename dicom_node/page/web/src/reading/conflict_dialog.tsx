import { useState } from "preact/hooks";
import type { Decision, Report } from "../api/types.ts";
import { type Choice, type Choices, chosen, compare, type Conflict, type Difference, merged, NARRATIVE, open } from "../report/merge.ts";
import type { SaveState } from "../report/saver.ts";
import { standing, workOf } from "../report/decisions.ts";
import { Dialog } from "../ui/dialog.tsx";
import { counted, PRESENCES, sided, SIDES, VERDICTS } from "../words/wording.ts";
import type { Desk } from "./desk.ts";
import { displayOf } from "./vocabulary.ts";

type Props = { desk: Desk; conflict: Extract<SaveState, { kind: "conflict" }> };

/** Another reader saved first. Both versions side by side; no edit of either is lost without a choice. */
export function ConflictDialog({ desk, conflict: { base, theirs } }: Props) {
  const [choices, setChoices] = useState<Choices>(new Map());
  const [mine] = useState(() => desk.work);
  const their = workOf(theirs.value);
  const conflict = compare(base, mine, their);
  const waiting = open(conflict, choices).length;
  const choose = (key: string, choice: Choice) => setChoices(new Map([...choices, [key, choice]]));
  if (!theirs.value.may.edit) return <TooLate desk={desk} theirs={theirs} />;
  const foot = (
    <>
      <span class="quiet">{waiting > 0 ? `${counted(waiting, "choice")} to make` : "Every difference is settled"}</span>
      <button type="button" class="primary" disabled={waiting > 0} onClick={() => desk.resolve(theirs, merged(conflict, their, choices))}>
        Save both together
      </button>
    </>
  );
  return (
    <Dialog title="Another reader changed this draft" wide foot={foot}>
      <p>
        Version {theirs.value.version} was saved elsewhere while you were editing version {desk.report.value.version}. Your edits are still here.
        Choose where the two differ; what only one of you changed is kept.
      </p>
      <table class="conflict">
        <thead>
          <tr>
            <th scope="col">Finding</th>
            <th scope="col">Yours</th>
            <th scope="col">Version {theirs.value.version}</th>
          </tr>
        </thead>
        <tbody>
          {conflict.findings.map((it) => (
            <tr key={it.tracking_uid} class={it.settled ? "" : "differs"}>
              <th scope="row">{nameOf(desk, theirs.value, it)}</th>
              <Side name={it.tracking_uid} side="mine" picked={chosen(it.tracking_uid, it.settled, choices)} words={said(it.mine)} choose={choose} />
              <Side name={it.tracking_uid} side="theirs" picked={chosen(it.tracking_uid, it.settled, choices)} words={said(it.theirs)} choose={choose} />
            </tr>
          ))}
          <Narratives conflict={conflict} choices={choices} choose={choose} />
        </tbody>
      </table>
    </Dialog>
  );
}

function Narratives({ conflict, choices, choose }: { conflict: Conflict; choices: Choices; choose(key: string, choice: Choice): void }) {
  const words = conflict.narrative;
  if (!words) return null;
  const picked = chosen(NARRATIVE, words.settled, choices);
  return (
    <tr class={words.settled ? "" : "differs"}>
      <th scope="row">Sentences</th>
      <Side name={NARRATIVE} side="mine" picked={picked} words={text(words.mine)} choose={choose} />
      <Side name={NARRATIVE} side="theirs" picked={picked} words={text(words.theirs)} choose={choose} />
    </tr>
  );
}

function Side(props: { name: string; side: Choice; picked: Choice | null; words: string; choose(key: string, choice: Choice): void }) {
  return (
    <td>
      <label class="check">
        <input
          type="radio"
          name={`side-${props.name}`}
          checked={props.picked === props.side}
          onChange={() => props.choose(props.name, props.side)}
        />
        <span>{props.words}</span>
      </label>
    </td>
  );
}

/** The other reader signed or rejected: nothing can be merged any more. */
function TooLate({ desk, theirs }: { desk: Desk; theirs: Props["conflict"]["theirs"] }) {
  const mine = desk.findings.value.filter((it) => it.decision);
  return (
    <Dialog
      title="This report is closed"
      onClose={() => desk.moveOn(theirs)}
      foot={
        <button type="button" class="primary" onClick={() => desk.moveOn(theirs)}>
          Show the report
        </button>
      }
    >
      <p>
        {theirs.value.banner} Your last edits came after that and are not part of it. They stand here to be written down, for
        example as an addendum:
      </p>
      <ul>
        {mine.map((it) => (
          <li key={it.tracking_uid}>
            {sided(it.display, it.laterality)}: {it.decision && VERDICTS[it.decision].toLowerCase()}, {PRESENCES[it.presence].toLowerCase()}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function nameOf(desk: Desk, theirs: Report, it: Difference): string {
  const added = [it.mine, it.theirs, it.base].find((one) => one?.verdict === "added");
  if (added?.verdict === "added") return displayOf(added.name);
  const known = desk.finding(it.tracking_uid) ?? standing(theirs, workOf(theirs), displayOf).find((one) => one.tracking_uid === it.tracking_uid);
  return known?.display ?? "A finding";
}

function said(decision: Decision | undefined): string {
  if (!decision) return "No decision";
  if (!("presence" in decision)) return VERDICTS[decision.verdict];
  const side = decision.laterality === "unspecified" ? "" : `, ${SIDES[decision.laterality].toLowerCase()}`;
  return `${VERDICTS[decision.verdict]}: ${PRESENCES[decision.presence].toLowerCase()}${side}`;
}

function text(narrative: { findings: { text: string }[]; impression: { text: string }[] } | null): string {
  if (!narrative) return "Follow the decisions";
  return [...narrative.findings, ...narrative.impression].map((it) => it.text).join(" ");
}
