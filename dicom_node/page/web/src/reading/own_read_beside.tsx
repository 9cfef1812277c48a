import type { OwnRead, ReportFinding } from "../api/types.ts";
import { type Beside, beside } from "../report/own_read.ts";
import { Icon } from "../ui/icon.tsx";
import { PRESENCES, SIDES } from "../words/wording.ts";
import { displayOf } from "./vocabulary.ts";

/** The own read beside the draft, what differs first. */
export function OwnReadBeside({ read, findings }: { read: OwnRead; findings: readonly ReportFinding[] }) {
  const rows = beside(read, findings);
  return (
    <section class="own-beside" aria-label="Your own read beside the draft">
      <h2>Your own read beside the draft</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Finding</th>
            <th scope="col">Yours</th>
            <th scope="col">Draft</th>
            <th scope="col" />
          </tr>
        </thead>
        <tbody>
          {rows.map((it) => (
            <tr key={it.name} class={it.agrees ? "" : "differs"}>
              <td>{displayOf(it.name)}</td>
              <td>{said(it.yours, "not named")}</td>
              <td>{said(it.draft, "not assessed")}</td>
              <td>
                <Icon name={it.agrees ? "check" : "warning"} /> {it.agrees ? "Same" : "Differs"}
              </td>
            </tr>
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={4}>Neither names a finding.</td>
            </tr>
          )}
        </tbody>
      </table>
      {read.text && <p class="quiet">“{read.text}”</p>}
    </section>
  );
}

function said(statement: Beside["yours"], none: string): string {
  if (!statement) return none;
  const side = statement.laterality === "unspecified" ? "" : `, ${SIDES[statement.laterality].toLowerCase()}`;
  return `${PRESENCES[statement.presence]}${side}`;
}
