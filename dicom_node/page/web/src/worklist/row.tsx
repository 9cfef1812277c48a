import type { StudyState, StudySummary } from "../api/types.ts";
import { mayEdit } from "../session/session.ts";
import { now } from "../ui/clock.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { follow } from "../ui/route.ts";
import { ageAndSex, counted, day, hour, moment, personName, REPORT_STATES, STUDY_STATES, waiting } from "../words/wording.ts";
import { prioritise, selected as selection } from "./state.ts";

export const STATE_ICONS: Record<StudyState, IconName> = {
  receiving: "inbox",
  queued: "clock",
  reading: "eye",
  drafted: "page",
  delivered: "sent",
  refused: "ban",
  failed: "warning",
};

export function Row({ study, selected }: { study: StudySummary; selected: boolean }) {
  const path = `/read/${study.study_uid}`;
  return (
    <tr
      id={`study-${study.study_uid}`}
      class={`${selected ? "selected" : ""} ${study.priority === "stat" ? "stat" : ""}`}
      onFocusCapture={() => (selection.value = study.study_uid)}
      onClick={(event) => event.target instanceof Element && !event.target.closest("a, button") && follow(event, path)}
    >
      <td class="tight">
        <StateOf state={study.state} />
        <Urgency study={study} />
      </td>
      <td class="patient">
        <a href={path} onClick={(event) => follow(event, path)}>
          <bdi>{study.patient_name ? personName(study.patient_name) : "No name"}</bdi>
        </a>
        <span class="quiet">
          <bdi>{study.patient_id || "no ID"}</bdi>
        </span>
      </td>
      <td class="tight">
        {study.patient_birth_date ? day(study.patient_birth_date) : "–"}
        <span class="quiet">{ageAndSex(study.patient_birth_date, study.patient_sex, study.study_date)}</span>
      </td>
      <td class="tight">
        {study.modalities.join(", ") || "–"} <span class="quiet">{counted(study.images, "image")}</span>
      </td>
      <td>
        <bdi>{study.description || "–"}</bdi>
        <span class="quiet">
          {day(study.study_date)} {hour(study.study_time)}
          {study.accession_number && ` · ${study.accession_number}`}
        </span>
      </td>
      <td class="number" title={`Arrived ${moment(study.first_received)}`}>
        {waiting(study.first_received, now.value)}
      </td>
      <td class="warned">
        <Warnings study={study} />
      </td>
      <td class="tight">
        <ReportOf study={study} />
      </td>
    </tr>
  );
}

export function StateOf({ state }: { state: StudyState }) {
  return (
    <span class={`state is-${state}`}>
      <Icon name={STATE_ICONS[state]} />
      {STUDY_STATES[state]}
    </span>
  );
}

function Urgency({ study }: { study: StudySummary }) {
  const stat = study.priority === "stat";
  if (!mayEdit.value) return stat ? <strong class="urgent">Urgent</strong> : null;
  return (
    <button
      type="button"
      class={`plain priority ${stat ? "urgent" : ""}`}
      aria-pressed={stat}
      aria-label={stat ? "Urgent. Make it routine" : "Routine. Make it urgent"}
      title={stat ? "Make it routine" : "Make it urgent"}
      onClick={() => void prioritise(study)}
    >
      <Icon name="urgent" />
      {stat && "Urgent"}
    </button>
  );
}

function Warnings({ study }: { study: StudySummary }) {
  const parked = study.deliveries.parked;
  const refused = study.state === "refused" || study.state === "failed" ? study.reason : "";
  const first = refused || study.warnings[0]?.words || "";
  const more = study.warnings.length - (refused ? 0 : 1);
  return (
    <>
      {first && (
        <span class="warning" title={[refused, ...study.warnings.map((it) => it.words)].filter(Boolean).join("\n")}>
          <Icon name={refused ? "info" : "warning"} />
          <span class="cut">{first}</span>
          {more > 0 && ` +${more}`}
        </span>
      )}
      {parked > 0 && (
        <span class="warning">
          <Icon name="warning" />
          {counted(parked, "delivery", "deliveries")} parked
        </span>
      )}
    </>
  );
}

function ReportOf({ study }: { study: StudySummary }) {
  const report = study.report;
  if (!report || study.state === "refused") return <span class="quiet">{study.state === "refused" ? "No draft" : "–"}</span>;
  const open = report.state === "draft" || report.state === "edited";
  return (
    <>
      <span class={`report is-${report.state}`}>{REPORT_STATES[report.state]}</span>
      <span class="quiet">{open && report.undecided > 0 ? `${report.undecided} to decide` : `version ${report.version}`}</span>
    </>
  );
}
