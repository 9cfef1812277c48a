import type { Report } from "../api/types.ts";
import { moment } from "../words/wording.ts";

const STATES = { pending: "on its way", delivered: "delivered", parked: "parked" } as const;
const KINDS: Record<string, string> = {
  narrative: "Narrative SR",
  findings: "Findings SR",
  secondary_capture: "Marked image",
  capture: "Marked image",
  pdf: "PDF",
  fhir: "FHIR report",
  hl7: "HL7 message",
  gsps: "Presentation state",
  presentation_state: "Presentation state",
  key_objects: "Key objects",
};

/** Who drafted it, and where its documents stand. */
export function Origin({ report }: { report: Report }) {
  const sent = report.documents.flatMap((document) => document.deliveries.map((delivery) => ({ document, delivery })));
  return (
    <section class="origin" aria-label="Origin and delivery">
      <h2>Where it stands</h2>
      <p class="quiet">
        {report.refusal ? "Looked at" : "Drafted"} {moment(report.drafted)} by {report.model.name} {report.model.version}, weights {report.model.weights_digest.slice(0, 12)}
      </p>
      {sent.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Document</th>
              <th scope="col">Version</th>
              <th scope="col">To</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {sent.map(({ document, delivery }) => (
              <tr key={document.sop_instance_uid + delivery.peer}>
                <td>{KINDS[document.kind] ?? document.kind}</td>
                <td class="number">{document.version}</td>
                <td>{delivery.peer}</td>
                <td class={delivery.state}>
                  {STATES[delivery.state]}
                  {delivery.delivered && `, ${moment(delivery.delivered)}`}
                  {delivery.state === "parked" && delivery.reason && `: ${delivery.reason}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
