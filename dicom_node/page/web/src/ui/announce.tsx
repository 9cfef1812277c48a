import { signal } from "@preact/signals";

const words = signal("");

/** Says something to a screen reader without moving the focus. */
export function announce(said: string): void {
  words.value = "";
  requestAnimationFrame(() => (words.value = said));
}

export function Announcer() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {words}
    </div>
  );
}
