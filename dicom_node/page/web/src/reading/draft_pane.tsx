import { useEffect } from "preact/hooks";
import { reports, studies } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { StudyDetail } from "../api/types.ts";
import { mayEdit } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Icon } from "../ui/icon.tsx";
import { banner } from "../ui/marks.tsx";
import { StateOf } from "../worklist/row.tsx";
import { ActBar, DraftHead } from "./act_bar.tsx";
import { Cautions } from "./cautions.tsx";
import type { Desk } from "./desk.ts";
import { FindingList } from "./finding_list.tsx";
import { NarrativePart } from "./narrative_part.tsx";
import { OwnReadForm } from "./own_read_form.tsx";
import { OwnReadBeside } from "./own_read_beside.tsx";
import { Origin } from "./origin.tsx";
import type { Room } from "./room.ts";

/** The draft: what to be careful about, the findings to decide on, the sentences, and where it went. */
export function DraftPane({ room }: { room: Room }) {
  const desk = room.desk.value;
  const study = room.study.value;
  return (
    <section class="draft-pane" aria-label="Draft">
      {desk ? <Open room={room} desk={desk} /> : study && <NoDraft study={study} />}
    </section>
  );
}

function Open({ room, desk }: { room: Room; desk: Desk }) {
  const report = desk.report.value;
  useEffect(() => {
    banner.value = { words: report.banner, verified: report.state === "signed" || report.state === "addended" };
  }, [report.banner, report.state]);
  if (report.hidden) return <OwnReadForm desk={desk} />;
  return (
    <>
      <DraftHead room={room} desk={desk} />
      {!report.refusal && <Cautions report={report} />}
      <div class="draft-scroll" tabIndex={-1}>
        <Notices desk={desk} />
        {report.own_read && <OwnReadBeside read={report.own_read} findings={desk.findings.value} />}
        {report.refusal ? <Refused reason={report.refusal.reason} /> : <FindingList room={room} desk={desk} />}
        {!report.refusal && <NarrativePart desk={desk} />}
        <Origin report={report} />
      </div>
      <ActBar room={room} desk={desk} />
    </>
  );
}

/** What happened to this report elsewhere. */
function Notices({ desk }: { desk: Desk }) {
  const report = desk.report.value;
  const newer = desk.newer.value;
  return (
    <>
      {report.superseded_by && (
        <p class="notice warn" role="status">
          <Icon name="info" /> A newer reading of this study has taken this draft's place.
          <button type="button" onClick={() => location.reload()}>Open the newer one</button>
        </p>
      )}
      {newer && (
        <p class="notice warn" role="status">
          <Icon name="info" /> This report was changed elsewhere: it is now version {newer.version}. Your next change is compared with it.
          <button type="button" onClick={() => void takeNewer(desk)}>Show version {newer.version}</button>
        </p>
      )}
      {report.state === "rejected" && (
        <p class="notice warn">
          <Icon name="ban" /> This draft was rejected. It is not used.
        </p>
      )}
    </>
  );
}

async function takeNewer(desk: Desk): Promise<void> {
  try {
    desk.moveOn(await reports.get(desk.report.value.id));
    announce("The newer version is shown");
  } catch (error) {
    announce(inWords(error));
  }
}

function NoDraft({ study }: { study: StudyDetail }) {
  const refusal = study.refusal ?? (study.state === "refused" ? { code: "", reason: study.reason } : null);
  return (
    <div class="draft-scroll no-draft">
      <StateOf state={study.state} />
      {refusal ? <Refused reason={refusal.reason} /> : <Coming study={study} />}
    </div>
  );
}

function Refused({ reason }: { reason: string }) {
  return (
    <div class="no-reading">
      <h2>No draft: the model does not read this study</h2>
      <p>{reason}</p>
      <p class="quiet">The images are shown for your own reading. Nothing is stated about them.</p>
    </div>
  );
}

function Coming({ study }: { study: StudyDetail }) {
  if (study.state === "failed")
    return (
      <div class="no-reading">
        <h2>Reading failed</h2>
        <p>{study.reason}</p>
        {mayEdit.value && <ReadAgain uid={study.study_uid} />}
      </div>
    );
  return (
    <div class="no-reading">
      <h2>No draft yet</h2>
      <p>The draft appears here by itself when the study has been read.</p>
    </div>
  );
}

function ReadAgain({ uid }: { uid: string }) {
  const again = () => studies.readAgain(uid).then(() => announce("The study waits to be read again"), (error) => announce(inWords(error)));
  return (
    <button type="button" onClick={() => void again()}>
      Read again
    </button>
  );
}
