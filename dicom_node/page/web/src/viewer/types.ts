/** What the viewer takes and gives. Coordinates are pixels of the source image: x to the right, y down, half-open. */

export interface MarkedBox {
  id: string;
  label: string;
  sopInstanceUid: string;
  /** From 1, as DICOM counts frames. */
  frame: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  kind: "model" | "person" | "answer" | "rejected";
}

export type DrawnBox = Pick<MarkedBox, "sopInstanceUid" | "frame" | "x0" | "y0" | "x1" | "y1">;

export interface SeriesRef {
  studyUid: string;
  seriesUid: string;
}

export interface ViewerStatus {
  state: "empty" | "loading" | "shown" | "failed";
  words: string;
  sopInstanceUid: string | null;
  frame: number;
  /** From 0. */
  index: number;
  count: number;
  loaded: number;
  flipped: boolean;
  inverted: boolean;
  window: string;
  zoom: number;
}

export interface ViewerProps {
  main: SeriesRef | null;
  prior: SeriesRef | null;
  boxes: MarkedBox[];
  selected: string | null;
  boxesVisible: boolean;
  drawing: boolean;
  onSelect(id: string): void;
  onBoxDrawn(box: DrawnBox): void;
  onStatus(status: ViewerStatus): void;
  commands: (commands: ViewerCommands) => void;
}

export interface ViewerCommands {
  /** 1–5; 0 is the window as it was sent. */
  windowPreset(n: number): void;
  invert(): void;
  flip(): void;
  zoom(factor: number): void;
  fit(): void;
  pan(dx: number, dy: number): void;
  scroll(slices: number): void;
  scrollTo(end: "first" | "last"): void;
  showBox(id: string): void;
  length(): void;
  reset(): void;
  moveDrawing(dx: number, dy: number, resize: boolean): void;
  finishDrawing(): void;
}
