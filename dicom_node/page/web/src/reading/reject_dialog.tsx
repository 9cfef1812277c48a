import { useState } from "preact/hooks";
import { type Tagged, reports } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { Report } from "../api/types.ts";
import { FreshLogin, wantsFreshLogin } from "../session/fresh_login.tsx";
import { announce } from "../ui/announce.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icon.tsx";
import type { Desk } from "./desk.ts";

interface Props {
  desk: Desk;
  onClose(): void;
}

/** The whole draft is not used. */
export function RejectDialog({ desk, onClose }: Props) {
  return (
    <Written
      title="Reject the draft"
      lead="Nothing of this draft is used or repeated. Receivers that hold it are told that it was rejected. This cannot be undone; a new reading gives a new draft."
      label="Reason, for the record"
      button="Reject the draft"
      desk={desk}
      onClose={onClose}
      act={(text) => reports.reject(desk.report.value.id, desk.etag, text)}
    />
  );
}

/** Words added to a signed report. */
export function AddendumDialog({ desk, onClose }: Props) {
  return (
    <Written
      title="Addendum to the signed report"
      lead="The signed report stays as it is. The addendum is signed by you and sent as a new version."
      label="Addendum"
      button="Sign and send the addendum"
      desk={desk}
      onClose={onClose}
      act={(text) => reports.addend(desk.report.value.id, desk.etag, text)}
    />
  );
}

interface WrittenProps extends Props {
  title: string;
  lead: string;
  label: string;
  button: string;
  act(text: string): Promise<Tagged<Report>>;
}

function Written({ title, lead, label, button, desk, onClose, act }: WrittenProps) {
  const [text, setText] = useState("");
  const [words, setWords] = useState("");
  const [stale, setStale] = useState(false);
  const run = async () => {
    try {
      desk.moveOn(await act(text.trim()));
      announce("Done");
      onClose();
    } catch (error) {
      setStale(wantsFreshLogin(error));
      setWords(inWords(error));
    }
  };
  const foot = (
    <>
      <button type="button" onClick={onClose}>
        Cancel
      </button>
      <button type="button" class="primary" disabled={!text.trim()} onClick={() => void run()}>
        {button}
      </button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} foot={foot}>
      <p>{lead}</p>
      <label class="writing">
        {label}
        <textarea rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {words && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {words}
        </p>
      )}
      {stale && <FreshLogin done={() => setStale(false)} studyUid={desk.report.value.study_uid} />}
    </Dialog>
  );
}
