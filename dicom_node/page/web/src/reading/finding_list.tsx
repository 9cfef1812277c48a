import type { Presence, ReportFinding } from "../api/types.ts";
import { mayEdit } from "../session/session.ts";
import { Icon } from "../ui/icon.tsx";
import { AddFinding } from "./add_finding.tsx";
import type { Desk } from "./desk.ts";
import { FindingRow } from "./finding_row.tsx";
import type { Room } from "./room.ts";

const GROUPS: readonly [Presence, string][] = [
  ["present", "Stated as present"],
  ["indeterminate", "Stated as uncertain"],
  ["absent", "Looked for, not seen"],
];

/** Every finding of the draft, each with its own decision. There is no way to accept them all at once. */
export function FindingList({ room, desk }: { room: Room; desk: Desk }) {
  const findings = desk.findings.value;
  const mayDecide = mayEdit.value && desk.report.value.may.edit;
  return (
    <section class="findings" aria-label="Findings">
      {GROUPS.map(([presence, words]) => {
        const group = findings.filter((it) => it.model?.presence === presence);
        return group.length > 0 && <Group key={presence} words={words} group={group} room={room} desk={desk} mayDecide={mayDecide} />;
      })}
      <Group words="Added" group={findings.filter((it) => it.model === null)} room={room} desk={desk} mayDecide={mayDecide} />
      {mayDecide &&
        (room.adding.value ? (
          <AddFinding room={room} desk={desk} />
        ) : (
          <button type="button" class="add" onClick={() => (room.adding.value = true)}>
            <Icon name="plus" /> Add a finding <kbd aria-hidden="true">n</kbd>
          </button>
        ))}
    </section>
  );
}

interface GroupProps {
  words: string;
  group: ReportFinding[];
  room: Room;
  desk: Desk;
  mayDecide: boolean;
}

function Group({ words, group, room, desk, mayDecide }: GroupProps) {
  if (group.length === 0) return null;
  return (
    <>
      <h2>
        {words} <span class="count">{group.length}</span>
      </h2>
      <ul>
        {group.map((it) => (
          <FindingRow key={it.tracking_uid} finding={it} room={room} desk={desk} mayDecide={mayDecide} />
        ))}
      </ul>
    </>
  );
}
