/** The studies that the node told of, kept up to date while the page is open. */

import { computed, signal } from "@preact/signals";
import { studies as api } from "../api/client.ts";
import { onChange } from "../api/live.ts";
import { inWords } from "../api/problem.ts";
import type { StudySummary } from "../api/types.ts";
import { type Choice, FIRST_ORDER, shown, upsert } from "./view.ts";

export const known = signal<StudySummary[] | null>(null);
export const next = signal("");
export const trouble = signal("");
export const choice = signal<Choice>({ filter: "all", modality: "", text: "", order: FIRST_ORDER });
export const selected = signal<string | null>(null);

export const listed = computed(() => shown(known.value ?? [], choice.value));

export async function load(cursor = ""): Promise<void> {
  try {
    const page = await api.list(cursor);
    known.value = page.studies.reduce<StudySummary[]>(merge, cursor ? (known.value ?? []) : []);
    next.value = page.next;
    trouble.value = "";
  } catch (error) {
    trouble.value = inWords(error);
  }
}

/** Asks the node for studies beyond those that are here. */
export async function find(text: string): Promise<void> {
  if (!text.trim() || !next.value) return;
  try {
    const found = await api.search(text);
    known.value = found.studies.reduce(merge, known.value ?? []);
  } catch (error) {
    trouble.value = inWords(error);
  }
}

export async function prioritise(study: StudySummary): Promise<void> {
  const priority = study.priority === "stat" ? "routine" : "stat";
  try {
    await api.prioritise(study.study_uid, priority);
    known.value = upsert(known.value ?? [], { ...study, priority });
  } catch (error) {
    trouble.value = inWords(error);
  }
}

export function keepUpToDate(): () => void {
  return onChange({
    study: (told) => {
      if (known.value) known.value = upsert(known.value, told);
    },
    reset: () => void load(),
  });
}

function merge(all: StudySummary[], one: StudySummary): StudySummary[] {
  return all.some((it) => it.study_uid === one.study_uid) ? upsert(all, one) : [...all, one];
}
