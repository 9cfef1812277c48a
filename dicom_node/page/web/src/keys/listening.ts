/** The page's one key listener. */

import { signal } from "@preact/signals";
import { preference } from "../ui/preferences.ts";
import { type Act, actOf, begins, type Scope } from "./keymap.ts";

export type Acts = Partial<Record<Act, (event: KeyboardEvent) => void>>;

export const keysOn = preference("keys", ["on", "off"]);
export const helpOpen = signal(false);

/** Acts on keys until the returned function is called. */
export function onKeys(scope: Scope, acts: () => Acts): () => void {
  let before = "";
  const press = (event: KeyboardEvent) => {
    const situation = {
      scope,
      before,
      typing: isTyping(event.target),
      dialog: document.querySelector("dialog[open]") !== null,
      enabled: keysOn.value === "on",
    };
    const act = actOf(event, situation);
    before = !situation.typing && situation.enabled && !before && begins(event) ? event.key : "";
    const run = act && !belongsToControl(event) && { help: () => (helpOpen.value = true), ...acts() }[act];
    if (!run) return;
    event.preventDefault();
    run(event);
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** A focused button keeps Enter; a focused radio keeps its arrows. */
function belongsToControl({ key, target, ctrlKey }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement) || ctrlKey) return false;
  if (key === "Enter") return target.closest("button, a, summary, input") !== null;
  return key.startsWith("Arrow") && target instanceof HTMLInputElement;
}
