/** What a reader prefers of the page's looks, kept in the browser. Never anything about a patient. */

import { effect, signal, type Signal } from "@preact/signals";

/** A choice that outlives the tab; the first of `choices` until one is made. */
export function preference<T extends string>(name: string, choices: readonly [T, ...T[]]): Signal<T> {
  const key = `medvlm.${name}`;
  const kept = choices.find((it) => it === read(key));
  const choice = signal<T>(kept ?? choices[0]);
  effect(() => write(key, choice.value));
  return choice;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still reads.
  }
}
