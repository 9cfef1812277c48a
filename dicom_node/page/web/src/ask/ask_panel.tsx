import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { studies } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { Box } from "../api/types.ts";
import type { Room } from "../reading/room.ts";
import { announce } from "../ui/announce.tsx";
import { Icon } from "../ui/icon.tsx";
import { AnswerCard } from "./answer_card.tsx";
import { ask } from "./asking.ts";

/** Questions on the study. An answer is kept with who asked; it never enters the report by itself. */
export function AskPanel({ room }: { room: Room }) {
  const study = room.study.value;
  const suggestions = useSignal<string[]>([]);
  const open = useSignal(false);
  const uid = study?.study_uid;
  const drafted = room.desk.value !== null;
  const hidden = room.desk.value?.report.value.hidden ?? false;
  useEffect(() => {
    if (!uid || !drafted || hidden) return;
    void load(room, uid, (found) => (suggestions.value = found));
  }, [uid, drafted, hidden]);
  if (!study || !drafted || hidden) return null;
  const refused = room.desk.value?.report.value.refusal;
  if (refused) return null;
  return (
    <section class={`ask ${open.value ? "open" : ""}`} aria-label="Ask about the study">
      <div class="head">
        <h2>Ask</h2>
        <span class="quiet">An answer never enters the report by itself.</span>
        <button type="button" class="plain square fold" aria-expanded={open.value} aria-label={open.value ? "Fold the answers" : "Show the answers"} onClick={() => (open.value = !open.value)}>
          <Icon name={open.value ? "down" : "up"} />
        </button>
      </div>
      <Answers room={room} />
      <QuestionForm room={room} uid={study.study_uid} suggestions={suggestions.value} open={open.value} opened={() => (open.value = true)} />
    </section>
  );
}

async function load(room: Room, uid: string, suggest: (found: string[]) => void): Promise<void> {
  try {
    const [answers, found] = await Promise.all([studies.answers(uid), studies.suggestions(uid)]);
    room.answers.value = answers.toSorted((one, other) => one.created.localeCompare(other.created));
    suggest(found);
  } catch {
    // Questions can still be asked; the answers so far come with the next opening.
  }
}

function Answers({ room }: { room: Room }) {
  const end = useRef<HTMLDivElement>(null);
  const answers = room.answers.value;
  useEffect(() => {
    if (end.current?.parentElement) end.current.parentElement.scrollTop = end.current.offsetTop;
  }, [answers.length]);
  return (
    <div class="answers" tabIndex={-1} aria-label="Answers so far" role="log" aria-live="off">
      {answers.length === 0 && <p class="quiet none">Nothing has been asked yet.</p>}
      {answers.map((it) => (
        <AnswerCard key={it.id} record={it} room={room} />
      ))}
      <div ref={end} />
    </div>
  );
}

interface FormProps {
  room: Room;
  uid: string;
  suggestions: string[];
  open: boolean;
  opened(): void;
}

function QuestionForm({ room, uid, suggestions, open, opened }: FormProps) {
  const text = useSignal("");
  const region = useSignal<Box | null>(null);
  const writing = useSignal<string | null>(null);
  const trouble = useSignal("");

  const put = async (question: string) => {
    if (!question.trim() || writing.value !== null) return;
    const abort = new AbortController();
    room.stopAnswer.value = () => abort.abort();
    writing.value = "";
    trouble.value = "";
    opened();
    const asked = { text: question.trim(), region: region.value };
    try {
      const record = await ask(uid, asked, (piece) => (writing.value = (writing.value ?? "") + piece), abort.signal);
      room.answers.value = [...room.answers.value, record];
      room.shownAnswer.value = record;
      announce(record.answer.text);
      text.value = "";
      region.value = null;
    } catch (error) {
      trouble.value = abort.signal.aborted ? "Stopped. Nothing of this answer is kept as an answer." : inWords(error);
      announce(trouble.value);
    } finally {
      writing.value = null;
      room.stopAnswer.value = null;
    }
  };

  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault();
        void put(text.value);
      }}
    >
      {writing.value !== null && (
        <div class="streaming">
          <p aria-busy="true">{writing.value || "The model is looking …"}</p>
          <button type="button" onClick={() => room.stopAnswer.value?.()}>
            <Icon name="stop" /> Stop <kbd aria-hidden="true">Esc</kbd>
          </button>
        </div>
      )}
      {trouble.value && (
        <p class="notice warn">
          <Icon name="warning" /> {trouble}
        </p>
      )}
      {writing.value === null && suggestions.length > 0 && (
        <div class="suggestions" role="group" aria-label="Suggested questions">
          {suggestions.slice(0, open ? 3 : 2).map((it) => (
            <button type="button" key={it} onClick={() => void put(it)}>
              {it}
            </button>
          ))}
        </div>
      )}
      {region.value && (
        <p class="region">
          <Icon name="box" /> About the region drawn on the image
          <button type="button" class="plain square" aria-label="Leave the region out" onClick={() => (region.value = null)}>
            <Icon name="cross" />
          </button>
        </p>
      )}
      <div class="field">
        <label class="visually-hidden" for="question">
          Question about this study
        </label>
        <input id="question" autocomplete="off" maxLength={1000} placeholder="Ask about this study" value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button
          type="button"
          class="square"
          aria-label="Ask about a region of the image"
          title="Ask about a region"
          onClick={() =>
            room.draw("Draw the region to ask about.", (box) => {
              region.value = box;
              document.getElementById("question")?.focus();
            })
          }
        >
          <Icon name="box" />
        </button>
        <button disabled={writing.value !== null}>Ask</button>
      </div>
    </form>
  );
}
