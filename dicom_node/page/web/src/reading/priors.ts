/** Earlier studies of the same patient, beside the open one. */

import { studies } from "../api/client.ts";
import { announce } from "../ui/announce.tsx";
import { day } from "../words/wording.ts";
import { firstImages, type Room } from "./room.ts";

/** Opens the prior, the newest where none is named; closes the one that is open. */
export async function showPrior(room: Room, studyUid?: string): Promise<void> {
  if (room.prior.value && (!studyUid || room.prior.value.studyUid === studyUid)) {
    room.prior.value = null;
    return;
  }
  const wanted = room.study.value?.priors.find((it) => (studyUid ? it.study_uid === studyUid : it.images > 0));
  if (!wanted) return announce("There is no earlier study of this patient here.");
  try {
    room.prior.value = firstImages(await studies.get(wanted.study_uid));
    announce(`Prior of ${day(wanted.study_date)} beside`);
  } catch {
    announce("The prior cannot be opened just now.");
  }
}
