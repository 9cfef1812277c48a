/** The findings that a report can name. */

import { signal } from "@preact/signals";
import { vocabulary } from "../api/client.ts";
import type { Term } from "../api/types.ts";

export const terms = signal<Term[]>([]);

export async function loadVocabulary(): Promise<void> {
  if (terms.value.length === 0) terms.value = await vocabulary();
}

export function displayOf(name: string): string {
  return terms.value.find((it) => it.name === name)?.display ?? name.replaceAll("_", " ");
}

/** Terms that a few typed letters mean: those that begin with them first. */
export function matching(all: readonly Term[], typed: string): Term[] {
  const text = typed.trim().toLowerCase();
  if (!text) return [...all];
  const rank = ({ display, keywords }: Term) => {
    if (display.toLowerCase().startsWith(text)) return 0;
    if (display.toLowerCase().includes(text)) return 1;
    return keywords.some((it) => it.toLowerCase().includes(text)) ? 2 : 3;
  };
  return all.filter((it) => rank(it) < 3).toSorted((one, other) => rank(one) - rank(other));
}
