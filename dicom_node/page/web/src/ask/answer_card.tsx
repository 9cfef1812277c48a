import type { AnswerRecord } from "../api/types.ts";
import type { Room } from "../reading/room.ts";
import { Icon } from "../ui/icon.tsx";
import { moment, percent, personName } from "../words/wording.ts";

/** A kept answer: the question, who asked and when, which model, and where it points. */
export function AnswerCard({ record, room }: { record: AnswerRecord; room: Room }) {
  const { answer, question } = record;
  const shown = room.shownAnswer.value?.id === record.id;
  return (
    <article class={`answer ${answer.refusal ? "refusal" : ""}`}>
      <p class="asked">
        {question.text}
        {question.region && <span class="quiet"> (about a region)</span>}
      </p>
      <p class="said">
        {answer.text}
        {typeof answer.probability === "number" && <span class="quiet"> probability {percent(answer.probability)}</span>}
      </p>
      {answer.warnings.map((it) => (
        <p key={it.code} class="warning">
          <Icon name="warning" /> {it.words}
        </p>
      ))}
      <p class="quiet meta">
        {personName(record.asked_by_name || record.asked_by)}, {moment(record.created)}, {answer.model.name} {answer.model.version}
        {answer.evidence.length > 0 && (
          <button type="button" aria-pressed={shown} onClick={() => show(room, shown ? null : record)}>
            <Icon name="box" /> {shown ? "Hide the place" : "Show the place"}
          </button>
        )}
      </p>
    </article>
  );
}

function show(room: Room, record: AnswerRecord | null): void {
  room.shownAnswer.value = record;
  if (record) room.commands.value?.showBox("answer#0");
}
