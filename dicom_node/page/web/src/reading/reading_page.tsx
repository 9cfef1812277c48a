import { useLayoutEffect, useMemo } from "preact/hooks";
import { AskPanel } from "../ask/ask_panel.tsx";
import { onKeys } from "../keys/listening.ts";
import { Icon } from "../ui/icon.tsx";
import { banner } from "../ui/marks.tsx";
import { Header } from "../ui/header.tsx";
import { ConflictDialog } from "./conflict_dialog.tsx";
import { DraftPane } from "./draft_pane.tsx";
import { HistoryDialog } from "./history_dialog.tsx";
import { ImagePane } from "./image_pane.tsx";
import { readingActs } from "./acts.ts";
import { PatientStrip } from "./patient_strip.tsx";
import { AddendumDialog, RejectDialog } from "./reject_dialog.tsx";
import { Room } from "./room.ts";
import { SignDialog } from "./sign_dialog.tsx";

/** One study: its image, and the draft beside it. */
export function ReadingPage({ studyUid }: { studyUid: string }) {
  const room = useMemo(() => new Room(studyUid), [studyUid]);
  // The keys work from the first thing that is on the screen.
  useLayoutEffect(() => {
    document.title = "Reading · medvlm";
    void room.load();
    const stop = onKeys("reading", () => readingActs(room));
    const leaving = (event: BeforeUnloadEvent) => {
      if (room.desk.value?.waiting) event.preventDefault();
    };
    addEventListener("beforeunload", leaving);
    return () => {
      stop();
      removeEventListener("beforeunload", leaving);
      room.close();
      banner.value = null;
    };
  }, [room]);
  return (
    <div class="reading">
      <Header>
        <PatientStrip study={room.study.value} />
      </Header>
      <main id="main">
        {room.trouble.value && (
          <p class="notice bad" role="alert">
            <Icon name="warning" /> {room.trouble} <button type="button" onClick={() => void room.load()}>Try again</button>
          </p>
        )}
        <ImagePane room={room} />
        <DraftPane room={room} />
        <AskPanel room={room} />
      </main>
      <Dialogs room={room} />
    </div>
  );
}

function Dialogs({ room }: { room: Room }) {
  const desk = room.desk.value;
  if (!desk) return null;
  const close = () => (room.dialog.value = null);
  const save = desk.save.value;
  if (save.kind === "conflict") return <ConflictDialog desk={desk} conflict={save} />;
  if (room.dialog.value === "sign") return <SignDialog desk={desk} room={room} onClose={close} />;
  if (room.dialog.value === "reject") return <RejectDialog desk={desk} onClose={close} />;
  if (room.dialog.value === "addend") return <AddendumDialog desk={desk} onClose={close} />;
  if (room.dialog.value === "history") return <HistoryDialog desk={desk} onClose={close} />;
  return null;
}
