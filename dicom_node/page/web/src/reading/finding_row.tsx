import type { ReportFinding } from "../api/types.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { percent, personName, PRESENCES, sided, SIDES, VERDICTS } from "../words/wording.ts";
import type { Desk } from "./desk.ts";
import { FindingEditor } from "./finding_editor.tsx";
import { judge } from "./acts.ts";
import type { Room } from "./room.ts";

interface Props {
  finding: ReportFinding;
  room: Room;
  desk: Desk;
  mayDecide: boolean;
}

const MARKS: Record<keyof typeof VERDICTS, IconName> = { accepted: "check", changed: "pencil", rejected: "cross", added: "plus" };

/** One finding: what it is, how certain, where, and what the reader makes of it. */
export function FindingRow({ finding, room, desk, mayDecide }: Props) {
  const uid = finding.tracking_uid;
  const selected = desk.selected.value === uid;
  const editing = desk.editing.value === uid;
  return (
    <li
      id={`finding-${uid}`}
      tabIndex={-1}
      class={`finding is-${finding.decision ?? "open"} is-${finding.presence} ${selected ? "is-selected" : ""}`}
      aria-current={selected ? "true" : undefined}
      onFocusCapture={() => desk.select(uid)}
      onClick={() => desk.select(uid)}
    >
      <div class="line">
        <Numbers finding={finding} room={room} desk={desk} />
        <div class="what">
          <p class="name">{sided(finding.display, finding.laterality)}</p>
          <p class="how">
            <Certainty finding={finding} />
          </p>
        </div>
        <Verdict finding={finding} />
        {mayDecide && !editing && <Decisions finding={finding} room={room} desk={desk} />}
      </div>
      {editing && mayDecide && <FindingEditor key={uid} finding={finding} room={room} desk={desk} />}
    </li>
  );
}

/** The box's number, as on the image; a click shows it there. */
function Numbers({ finding, room, desk }: { finding: ReportFinding; room: Room; desk: Desk }) {
  const number = desk.findings.value.findIndex((it) => it.tracking_uid === finding.tracking_uid) + 1;
  if (finding.evidence.length === 0)
    return (
      <span class="number none" aria-hidden="true">
        {number}
      </span>
    );
  return (
    <button
      type="button"
      class="number"
      aria-label={`Show finding ${number} on the image`}
      title="Show on the image"
      onClick={() => room.show(finding.tracking_uid)}
    >
      {number}
    </button>
  );
}

/** Words and a bar; the number on hover, focus and selection. */
function Certainty({ finding }: { finding: ReportFinding }) {
  const { probability, certainty, presence, model, person } = finding;
  const changed = finding.decision === "changed" && model;
  if (model === null) return <>{`${PRESENCES[presence]}, ${person ? `stated by ${personName(person)}` : "stated by you"}`}</>;
  return (
    <>
      {changed && <strong>{`${PRESENCES[presence]}. `}</strong>}
      {changed && <span class="was">{`Draft: ${PRESENCES[model.presence].toLowerCase()}${model.laterality === "unspecified" ? "" : `, ${SIDES[model.laterality].toLowerCase()}`}`}</span>}
      {probability !== null && (
        <span class="certainty">
          <span class="words">{certainty}</span>
          <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`Model's probability ${percent(probability)}`}>
            <rect class="track" width="100" height="6" />
            <rect class="value" width={Math.max(1, 100 * probability)} height="6" />
          </svg>
          <span class="percent" aria-hidden="true">
            {percent(probability)}
          </span>
        </span>
      )}
    </>
  );
}

function Verdict({ finding }: { finding: ReportFinding }) {
  if (!finding.decision) return <span class="verdict">To decide</span>;
  return (
    <span class={`verdict is-${finding.decision}`}>
      <Icon name={MARKS[finding.decision]} />
      {VERDICTS[finding.decision]}
    </span>
  );
}

function Decisions({ finding, room, desk }: { finding: ReportFinding; room: Room; desk: Desk }) {
  const uid = finding.tracking_uid;
  const name = sided(finding.display, finding.laterality).toLowerCase();
  const choose = (verdict: "accepted" | "rejected") => {
    desk.select(uid);
    if (finding.decision === verdict) desk.takeBack(uid);
    else judge(room, desk, verdict, false);
  };
  if (finding.decision === "added")
    return (
      <div class="decisions">
        <Choice icon="pencil" words="Edit" of={name} pressed={false} run={() => (desk.editing.value = uid)} />
        <Choice icon="cross" words="Take out" of={name} pressed={false} run={() => desk.takeBack(uid)} />
      </div>
    );
  return (
    <div class="decisions">
      <Choice icon="check" words="Accept" of={name} pressed={finding.decision === "accepted"} run={() => choose("accepted")} />
      <Choice icon="pencil" words="Edit" of={name} pressed={finding.decision === "changed"} run={() => (desk.editing.value = uid)} />
      <Choice icon="cross" words="Reject" of={name} pressed={finding.decision === "rejected"} run={() => choose("rejected")} />
    </div>
  );
}

function Choice({ icon, words, of, pressed, run }: { icon: IconName; words: string; of: string; pressed: boolean; run(): void }) {
  return (
    <button type="button" class="plain square" aria-label={`${words} ${of}`} title={words} aria-pressed={pressed} onClick={run}>
      <Icon name={icon} />
    </button>
  );
}
