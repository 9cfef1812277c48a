import type { StudyDetail } from "../api/types.ts";
import { bornAndSex, day, hour, personName } from "../words/wording.ts";

/** Whose study this is: name, draft and image come from this one record. */
export function PatientStrip({ study }: { study: StudyDetail | null }) {
  if (!study) return <p class="quiet">Opening …</p>;
  const facts = [
    ["ID", study.patient_id || "–"],
    ["Born", bornAndSex(study.patient_birth_date, study.patient_sex, study.study_date)],
    ["Study", [study.modalities.join(", "), study.description].filter(Boolean).join(" · ") || "–"],
    ["Date", `${day(study.study_date)} ${hour(study.study_time)}`.trim()],
    ...(study.accession_number ? [["Accession", study.accession_number] as const] : []),
  ] as const;
  return (
    <div class="patient-strip">
      <h1>
        <bdi>{study.patient_name ? personName(study.patient_name) : "No name"}</bdi>
      </h1>
      <dl>
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
