/** Line icons on a 16 × 16 grid. Words always stand beside them or in the button's label. */

const PATHS = {
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  pencil: "M3 13l.6-2.6L10.8 3.2a1.2 1.2 0 0 1 1.7 0l.3.3a1.2 1.2 0 0 1 0 1.7L5.6 12.4 3 13zM9.5 4.5l2 2",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  undo: "M5 3.5 2.5 6 5 8.5M2.5 6H9a4 4 0 0 1 0 8H6",
  redo: "M11 3.5 13.5 6 11 8.5M13.5 6H7a4 4 0 0 0 0 8h3",
  box: "M3 4.5h10v7H3zM3 4.5h0",
  warning: "M8 2.5 14.5 13.5H1.5zM8 6.5v3.5M8 11.7v.4",
  info: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.2V11.5M8 4.6v.5",
  clock: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.5V8l2.5 1.5",
  inbox: "M8 2v6M5.5 5.8 8 8.3l2.5-2.5M2 9.5V13.5h12V9.5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  page: "M4 1.8h5.5L12.5 5v9.2H4zM9.3 2v3.2h3M6 8h4.5M6 10.8h4.5",
  sent: "M1.8 8 14 2.5 10.5 13.5 7.5 9zM7.5 9 14 2.5",
  ban: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM3.7 3.7l8.6 8.6",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13 9.8A5.6 5.6 0 0 1 6.2 3 5.6 5.6 0 1 0 13 9.8z",
  keyboard: "M1.5 4.5h13v7.5h-13zM4 7h.4M6.5 7h.4M9 7h.4M11.5 7h.4M5 9.7h6",
  stop: "M4 4h8v8H4z",
  sign: "M2 13.5h12M3.5 10.5c2-6 4.5-8 5.5-7s-1 5-3 6 .5 1.5 2 0 2 .5 3.5.5",
  history: "M2.5 3v3h3M2.8 6a5.6 5.6 0 1 1-.6 3M8 5v3.2l2.2 1.3",
  flip: "M8 2v12M6 4.5 2 11.5h4zM10 4.5l4 7h-4z",
  invert: "M8 1.8a6.2 6.2 0 1 0 0 12.4zM8 1.8a6.2 6.2 0 0 1 0 12.4",
  zoomIn: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14M7 5v4M5 7h4",
  zoomOut: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14M5 7h4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  length: "M2.5 10.5l8-8 3 3-8 8zM5 8l1.3 1.3M7 6l1.3 1.3M9 4l1.3 1.3",
  columns: "M2 3h12v10H2zM8 3v10",
  contrast: "M2 12.5c4 0 4-9 12-9M2 3.5v9h12",
  reset: "M3 8a5 5 0 1 1 1.5 3.5M3 12V8.5h3.5",
  person: "M8 2.2a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM2.8 14c.4-3 2.4-4.6 5.2-4.6s4.8 1.6 5.2 4.6",
  leave: "M9.5 2.5h-6v11h6M7 8h7M11.5 5.5 14 8l-2.5 2.5",
  spark: "M8 1.8 9.4 6.6 14.2 8 9.4 9.4 8 14.2 6.6 9.4 1.8 8l4.8-1.4z",
  urgent: "M8 2v7.5M8 12.6v.6",
  circle: "M8 2.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
