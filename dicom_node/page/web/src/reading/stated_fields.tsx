import type { Box, Laterality, Presence, Stated } from "../api/types.ts";
import { Icon } from "../ui/icon.tsx";
import { PRESENCES, SIDES } from "../words/wording.ts";
import type { Room } from "./room.ts";

interface Props {
  stated: Stated;
  boxable: boolean;
  room: Room;
  change(stated: Stated): void;
}

const ORDER_OF_PRESENCE: readonly Presence[] = ["present", "indeterminate", "absent"];
const ORDER_OF_SIDES: readonly Laterality[] = ["unspecified", "right", "left", "bilateral"];

/** Presence, side and place of one finding. */
export function StatedFields({ stated, boxable, room, change }: Props) {
  return (
    <>
      <Choice
        label="Statement"
        options={ORDER_OF_PRESENCE.map((it) => [it, PRESENCES[it]])}
        value={stated.presence}
        pick={(presence) => change({ ...stated, presence, evidence: presence === "absent" ? [] : stated.evidence })}
      />
      <Choice
        label="Side of the patient"
        options={ORDER_OF_SIDES.map((it) => [it, SIDES[it]])}
        value={stated.laterality}
        pick={(laterality) => change({ ...stated, laterality })}
      />
      {boxable && stated.presence !== "absent" && <Boxes stated={stated} room={room} change={change} />}
    </>
  );
}

function Choice<T extends string>(props: { label: string; options: readonly (readonly [T, string])[]; value: T; pick(value: T): void }) {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      {props.options.map(([value, words]) => (
        <label key={value}>
          <input type="radio" name={props.label} checked={props.value === value} onChange={() => props.pick(value)} />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Boxes({ stated, room, change }: Omit<Props, "boxable">) {
  const put = (box: Box, at: number) => change({ ...stated, evidence: stated.evidence.toSpliced(at, 1, box) });
  return (
    <div class="boxes">
      {stated.evidence.map((_, at) => (
        <span key={at} class="box-entry">
          Box {at + 1}
          <button type="button" onClick={() => room.draw(`Draw box ${at + 1} anew.`, (box) => put(box, at))}>
            Draw anew
          </button>
          <button
            type="button"
            class="plain square"
            aria-label={`Remove box ${at + 1}`}
            onClick={() => change({ ...stated, evidence: stated.evidence.toSpliced(at, 1) })}
          >
            <Icon name="cross" />
          </button>
        </span>
      ))}
      <button type="button" onClick={() => room.draw("Draw where it is.", (box) => put(box, stated.evidence.length))}>
        <Icon name="box" /> Draw a box
      </button>
    </div>
  );
}
