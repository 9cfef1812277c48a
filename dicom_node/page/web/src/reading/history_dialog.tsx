import { useEffect, useState } from "preact/hooks";
import { reports } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { VersionEntry } from "../api/types.ts";
import { differences, type LineDifference } from "../report/differences.ts";
import { Dialog } from "../ui/dialog.tsx";
import { moment, personName, REPORT_STATES } from "../words/wording.ts";
import type { Desk } from "./desk.ts";

/** Every version with person, time and what it changed. */
export function HistoryDialog({ desk, onClose }: { desk: Desk; onClose(): void }) {
  const [versions, setVersions] = useState<VersionEntry[]>([]);
  const [shown, setShown] = useState<number | null>(null);
  const [words, setWords] = useState("");
  const id = desk.report.value.id;
  useEffect(() => {
    reports.versions(id).then(
      (found) => {
        const newestFirst = found.toSorted((one, other) => other.version - one.version);
        setVersions(newestFirst);
        setShown(newestFirst[0]?.version ?? null);
      },
      (error) => setWords(inWords(error)),
    );
  }, [id]);
  const older = versions[versions.findIndex((it) => it.version === shown) + 1]?.version ?? null;
  return (
    <Dialog title="History of the report" wide onClose={onClose}>
      {words && <p class="notice bad">{words}</p>}
      <div class="history">
        <ol>
          {versions.map((it) => (
            <li key={it.version}>
              <button type="button" aria-current={it.version === shown ? "true" : undefined} onClick={() => setShown(it.version)}>
                <span class="title">
                  Version {it.version} <span class={`report is-${it.state}`}>{REPORT_STATES[it.state]}</span>
                </span>
                <span class="quiet">
                  {it.person ? personName(it.person) : "The model"}, {moment(it.at)}
                </span>
                {it.changes.length > 0 && <span class="changes">{it.changes.join(", ")}</span>}
              </button>
            </li>
          ))}
        </ol>
        {shown !== null && <Changes id={id} version={shown} older={older} />}
      </div>
    </Dialog>
  );
}

function Changes({ id, version, older }: { id: string; version: number; older: number | null }) {
  const [lines, setLines] = useState<LineDifference[] | null>(null);
  useEffect(() => {
    let wanted = true;
    const both = Promise.all([older === null ? null : reports.version(id, older), reports.version(id, version)]);
    both.then(([before, after]) => wanted && setLines(differences(before, after)), () => wanted && setLines([]));
    return () => {
      wanted = false;
    };
  }, [id, version, older]);
  if (!lines) return <p class="quiet">Comparing …</p>;
  const sections = [...new Set(lines.map((it) => it.section))];
  return (
    <div class="changes-of">
      <h3>{older === null ? `Version ${version}, the first` : `Version ${version} against version ${older}`}</h3>
      {sections.map((section) => (
        <section key={section}>
          <h4>{section}</h4>
          {lines
            .filter((it) => it.section === section)
            .map(({ pieces }, index) => (
              <p key={index}>
                {pieces.map(({ text, kind }, at) =>
                  kind === "new" ? <ins key={at}>{text}</ins> : kind === "gone" ? <del key={at}>{text}</del> : <span key={at}>{text}</span>,
                )}
              </p>
            ))}
        </section>
      ))}
    </div>
  );
}
