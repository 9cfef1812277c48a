/** Which key does what, as a table: the page acts by it and the help dialog shows it. */

export type Scope = "worklist" | "reading";

export type Act =
  | "next" | "previous" | "open" | "search" | "refresh"
  | "accept" | "reject" | "edit" | "add" | "undo" | "redo"
  | "sliceBack" | "sliceOn" | "sliceBackTen" | "sliceOnTen" | "sliceFirst" | "sliceLast"
  | "panLeft" | "panRight" | "panUp" | "panDown"
  | "preset0" | "preset1" | "preset2" | "preset3" | "preset4" | "preset5"
  | "invert" | "flip" | "boxes" | "zoomIn" | "zoomOut" | "fit" | "prior" | "length"
  | "drawLeft" | "drawRight" | "ask" | "sign" | "history" | "worklist" | "help" | "escape" | "drawEnd";

export interface Binding {
  act: Act;
  /** `KeyboardEvent.key`, with "Ctrl+" and "Shift+" before it; two strokes have a space between. */
  keys: readonly string[];
  words: string;
  group: "Findings" | "Image" | "Page";
  scopes: readonly Scope[];
}

const READING = ["reading"] as const;
const BOTH = ["worklist", "reading"] as const;

export const KEYMAP: readonly Binding[] = [
  { act: "next", keys: ["j"], words: "Next finding, or study", group: "Findings", scopes: BOTH },
  { act: "previous", keys: ["k"], words: "Previous finding, or study", group: "Findings", scopes: BOTH },
  { act: "open", keys: ["Enter"], words: "Open the study", group: "Page", scopes: ["worklist"] },
  { act: "accept", keys: ["a"], words: "Accept the finding", group: "Findings", scopes: READING },
  { act: "reject", keys: ["r"], words: "Reject the finding", group: "Findings", scopes: READING },
  { act: "edit", keys: ["e"], words: "Edit the finding", group: "Findings", scopes: READING },
  { act: "add", keys: ["n"], words: "Add a finding", group: "Findings", scopes: READING },
  { act: "undo", keys: ["u", "Ctrl+z"], words: "Undo", group: "Findings", scopes: READING },
  { act: "redo", keys: ["Ctrl+Shift+Z"], words: "Redo", group: "Findings", scopes: READING },
  { act: "sign", keys: ["Ctrl+Enter"], words: "Open the sign dialog (it never signs)", group: "Findings", scopes: READING },
  { act: "history", keys: ["v"], words: "History of the report", group: "Findings", scopes: READING },
  { act: "sliceBack", keys: ["ArrowUp"], words: "One image back", group: "Image", scopes: READING },
  { act: "sliceOn", keys: ["ArrowDown"], words: "One image on", group: "Image", scopes: READING },
  { act: "sliceBackTen", keys: ["PageUp"], words: "Ten images back", group: "Image", scopes: READING },
  { act: "sliceOnTen", keys: ["PageDown"], words: "Ten images on", group: "Image", scopes: READING },
  { act: "sliceFirst", keys: ["Home"], words: "First image", group: "Image", scopes: READING },
  { act: "sliceLast", keys: ["End"], words: "Last image", group: "Image", scopes: READING },
  { act: "panLeft", keys: ["Shift+ArrowLeft"], words: "Move the image left", group: "Image", scopes: READING },
  { act: "panRight", keys: ["Shift+ArrowRight"], words: "Move the image right", group: "Image", scopes: READING },
  { act: "panUp", keys: ["Shift+ArrowUp"], words: "Move the image up", group: "Image", scopes: READING },
  { act: "panDown", keys: ["Shift+ArrowDown"], words: "Move the image down", group: "Image", scopes: READING },
  { act: "preset0", keys: ["0"], words: "Window as sent", group: "Image", scopes: READING },
  { act: "preset1", keys: ["1"], words: "Window preset 1", group: "Image", scopes: READING },
  { act: "preset2", keys: ["2"], words: "Window preset 2", group: "Image", scopes: READING },
  { act: "preset3", keys: ["3"], words: "Window preset 3", group: "Image", scopes: READING },
  { act: "preset4", keys: ["4"], words: "Window preset 4", group: "Image", scopes: READING },
  { act: "preset5", keys: ["5"], words: "Window preset 5", group: "Image", scopes: READING },
  { act: "invert", keys: ["i"], words: "Invert", group: "Image", scopes: READING },
  { act: "flip", keys: ["h"], words: "Flip left and right", group: "Image", scopes: READING },
  { act: "boxes", keys: ["b"], words: "Hide or show boxes (hold: peek)", group: "Image", scopes: READING },
  { act: "zoomIn", keys: ["+"], words: "Zoom in", group: "Image", scopes: READING },
  { act: "zoomOut", keys: ["-"], words: "Zoom out", group: "Image", scopes: READING },
  { act: "fit", keys: ["f"], words: "Fit", group: "Image", scopes: READING },
  { act: "prior", keys: ["p"], words: "Prior beside", group: "Image", scopes: READING },
  { act: "length", keys: ["l"], words: "Measure a length", group: "Image", scopes: READING },
  { act: "drawEnd", keys: ["Enter"], words: "In box mode: take the box (arrows move, Shift sizes)", group: "Image", scopes: READING },
  { act: "drawLeft", keys: ["ArrowLeft"], words: "In box mode: the box to the left", group: "Image", scopes: READING },
  { act: "drawRight", keys: ["ArrowRight"], words: "In box mode: the box to the right", group: "Image", scopes: READING },
  { act: "search", keys: ["/"], words: "Search the worklist", group: "Page", scopes: ["worklist"] },
  { act: "ask", keys: ["/"], words: "Ask about the study", group: "Page", scopes: READING },
  { act: "escape", keys: ["Escape"], words: "Stop the answer, leave box mode, close", group: "Page", scopes: BOTH },
  { act: "worklist", keys: ["g w"], words: "Go to the worklist", group: "Page", scopes: READING },
  { act: "help", keys: ["?"], words: "These keys", group: "Page", scopes: BOTH },
];

export interface Stroke {
  key: string;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

export interface Situation {
  scope: Scope;
  /** The reader is in a field where letters are text. */
  typing: boolean;
  /** A dialog is open: it has the keyboard. */
  dialog: boolean;
  /** Single-key shortcuts are on (WCAG 2.1.4: they can be switched off). */
  enabled: boolean;
  /** The stroke before, when it was the first of two ("g"). */
  before: string;
}

/** What a stroke means here, or null. */
export function actOf(stroke: Stroke, at: Situation): Act | null {
  const key = named(stroke);
  if (at.dialog || key === null) return null;
  const whole = at.before ? `${at.before} ${key}` : key;
  const bound = KEYMAP.find((it) => it.scopes.includes(at.scope) && it.keys.includes(whole));
  if (!bound) return null;
  if (at.typing) return worksWhileTyping(key) ? bound.act : null;
  return at.enabled || worksWhenOff(key) ? bound.act : null;
}

/** Strokes that begin another: the page waits for the second. */
export function begins(stroke: Stroke): boolean {
  const key = named(stroke);
  return key !== null && KEYMAP.some((it) => it.keys.some((one) => one.startsWith(`${key} `)));
}

function named({ key, ctrlKey, shiftKey, altKey, metaKey }: Stroke): string | null {
  if (altKey) return null;
  const control = ctrlKey || metaKey;
  if (control) return `Ctrl+${shiftKey ? "Shift+" : ""}${shiftKey ? key.toUpperCase() : key}`;
  return shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key;
}

/** Text fields keep their letters, and their own undo. */
function worksWhileTyping(key: string): boolean {
  return key === "Ctrl+Enter" || key === "Escape";
}

/** Off means: no single character acts. Named keys and those with Ctrl stay. */
function worksWhenOff(key: string): boolean {
  return key.length > 1 && !key.includes(" ");
}
