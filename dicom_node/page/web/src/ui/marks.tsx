import { signal } from "@preact/signals";
import { Icon } from "./icon.tsx";

export const EVALUATION_ONLY = "For evaluation, not for clinical use.";
export const NOT_VERIFIED = "AI-generated draft. Not verified.";

export interface Banner {
  words: string;
  verified: boolean;
}

/** What the open report says of itself; the draft's mark until a person has signed. */
export const banner = signal<Banner | null>(null);

/** Both marks, in view at every scroll position, zoom and on every printed sheet. */
export function Marks() {
  const shown = banner.value ?? { words: NOT_VERIFIED, verified: false };
  return (
    <aside class={`marks ${shown.verified ? "verified" : ""}`} aria-label="What this is">
      <p class="state">
        <Icon name={shown.verified ? "check" : "warning"} />
        {shown.words}
      </p>
      <p class="evaluation">{EVALUATION_ONLY}</p>
    </aside>
  );
}
