/** Two places: the worklist, and one study. Addresses hold a study's UID and nothing of a patient. */

import { signal } from "@preact/signals";

export type Place = { page: "worklist" } | { page: "reading"; studyUid: string } | { page: "unknown" };

export const place = signal<Place>(placeOf(location.pathname));

export function placeOf(path: string): Place {
  const study = /^\/read\/([0-9.]+)\/?$/.exec(path)?.[1];
  if (study) return { page: "reading", studyUid: study };
  return path === "/" ? { page: "worklist" } : { page: "unknown" };
}

export function go(path: string): void {
  history.pushState(null, "", path);
  place.value = placeOf(path);
  scrollTo(0, 0);
}

export function follow(event: MouseEvent, path: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(path);
}

addEventListener("popstate", () => (place.value = placeOf(location.pathname)));
