/** The time of the day, told every half minute: waiting times grow while the page is open. */

import { signal } from "@preact/signals";

export const now = signal(Date.now());

export function runClock(): void {
  setInterval(() => (now.value = Date.now()), 30_000);
}
