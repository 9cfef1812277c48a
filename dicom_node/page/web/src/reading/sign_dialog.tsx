import { useEffect, useState } from "preact/hooks";
import { reports } from "../api/client.ts";
import { inWords, Problem } from "../api/problem.ts";
import type { Outgoing } from "../api/types.ts";
import { FreshLogin, wantsFreshLogin } from "../session/fresh_login.tsx";
import { principal } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icon.tsx";
import { Paper } from "../ui/paper.tsx";
import { counted, personName, sided } from "../words/wording.ts";
import { focusFinding } from "./acts.ts";
import type { Desk } from "./desk.ts";
import type { Room } from "./room.ts";

const KINDS = { dicom: "DICOM", fhir: "FHIR", hl7: "HL7" } as const;

/** Shows exactly what leaves and where to; signs only by a conscious act in it. */
export function SignDialog({ desk, room, onClose }: { desk: Desk; room: Room; onClose(): void }) {
  const [outgoing, setOutgoing] = useState<Outgoing | null>(null);
  const [words, setWords] = useState("");
  // The version that the reader vouched for: another one has to be looked at anew.
  const [sureOf, setSureOf] = useState<number | null>(null);
  const [stale, setStale] = useState(false);
  const [busy, setBusy] = useState(false);
  const saved = desk.save.value.kind === "saved";
  const open = desk.open.value.length;
  const version = desk.report.value.version;
  const sure = saved && sureOf === version;
  useEffect(() => {
    if (!saved) return;
    reports.outgoing(desk.report.value.id).then(setOutgoing, (error) => setWords(inWords(error)));
  }, [saved, version]);

  const sign = async () => {
    setBusy(true);
    setWords("");
    try {
      desk.moveOn(await reports.sign(desk.report.value.id, desk.etag));
      announce("Signed");
      onClose();
    } catch (error) {
      setBusy(false);
      setStale(wantsFreshLogin(error));
      if (error instanceof Problem && error.status === 412) await changedMeanwhile(desk, setWords);
      else setWords(inWords(error));
    }
  };

  const foot = (
    <>
      <button type="button" onClick={onClose}>
        Not yet
      </button>
      <button type="button" class="primary" disabled={!sure || open > 0 || !saved || busy || !outgoing} onClick={() => void sign()}>
        <Icon name="sign" /> {busy ? "Signing …" : "Sign and send"}
      </button>
    </>
  );
  return (
    <Dialog title="Sign the report" wide onClose={onClose} foot={foot}>
      {!saved && <p class="notice warn">Your last edits are not saved yet. Signing waits for them.</p>}
      {open > 0 && <Undecided desk={desk} room={room} onClose={onClose} />}
      {words && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {words}
        </p>
      )}
      {stale && <FreshLogin done={() => setStale(false)} studyUid={desk.report.value.study_uid} />}
      {outgoing ? <What outgoing={outgoing} /> : <p class="quiet">Preparing what would be sent …</p>}
      {open === 0 && (
        <label class="check conscious">
          <input type="checkbox" checked={sure} onChange={(event) => setSureOf(event.currentTarget.checked ? version : null)} />
          <span>
            I have looked at the images myself. What is shown here is my report, and I sign it as{" "}
            <strong>
              <bdi>{personName(principal.value?.name ?? "")}</bdi>
            </strong>
            .
          </span>
        </label>
      )}
    </Dialog>
  );
}

async function changedMeanwhile(desk: Desk, say: (words: string) => void): Promise<void> {
  say("Another reader changed this report meanwhile. Nothing was signed: look at the version that is shown now.");
  desk.moveOn(await reports.get(desk.report.value.id));
}

/** What stops the signature, each with a way to it. */
function Undecided({ desk, room, onClose }: { desk: Desk; room: Room; onClose(): void }) {
  const open = desk.open.value;
  return (
    <div class="notice warn" role="alert">
      <p>
        <Icon name="warning" /> {counted(open.length, "finding")} still {open.length === 1 ? "waits" : "wait"} for your decision. Signing is possible once each is decided.
      </p>
      <ul class="undecided">
        {open.map((it) => (
          <li key={it.tracking_uid}>
            <button
              type="button"
              onClick={() => {
                onClose();
                room.show(it.tracking_uid);
                // After the closing dialog has given the focus back.
              setTimeout(() => focusFinding(it.tracking_uid));
              }}
            >
              {sided(it.display, it.laterality)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function What({ outgoing }: { outgoing: Outgoing }) {
  return (
    <div class="outgoing">
      <div class="where">
        <h3>Goes to</h3>
        {outgoing.receivers.length === 0 && <p>No receiver is configured. The signed report stays in this node.</p>}
        <ul>
          {outgoing.receivers.map((it) => (
            <li key={it.name}>
              <strong>{it.name}</strong> <span class="quiet">{KINDS[it.kind]}</span>
              <span class="objects">{it.objects.join(", ")}</span>
            </li>
          ))}
        </ul>
        {outgoing.not_assessed.length > 0 && (
          <>
            <h3>Not assessed</h3>
            <p class="quiet">{outgoing.not_assessed.join(", ")}</p>
          </>
        )}
      </div>
      <div class="sheet">
        <h3>Exactly this is sent</h3>
        <Paper key={outgoing.html} html={outgoing.html} title={outgoing.title} />
      </div>
    </div>
  );
}
