/** Where the names of boxes stand: over their box, inside the pane, never over one another. */

import { type Rectangle, clamp } from "./geometry.ts";

export interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const LABEL_HEIGHT = 24; // a target of at least 24 px (WCAG 2.2, 2.5.8)

export function placeLabels(boxes: readonly Rectangle[], widths: readonly number[], pane: { width: number; height: number }): Placed[] {
  const placed: Placed[] = [];
  boxes.forEach((box, at) => {
    const width = Math.min(widths[at] ?? 0, pane.width);
    const x = clamp(box.x0, 0, pane.width - width);
    const tries = [box.y0 - LABEL_HEIGHT - 3, box.y1 + 3, box.y0 + 3].map((y) => ({ x, y, width, height: LABEL_HEIGHT }));
    const fitting = tries.find((label) => inside(label, pane) && !placed.some((other) => overlap(label, other)));
    placed.push(fitting ?? below({ ...(tries[0] as Placed), y: clamp(box.y0, 0, pane.height - LABEL_HEIGHT) }, placed, pane));
  });
  return placed;
}

function below(label: Placed, placed: readonly Placed[], pane: { height: number }): Placed {
  let moved = label;
  while (placed.some((other) => overlap(moved, other)) && moved.y + LABEL_HEIGHT < pane.height) {
    moved = { ...moved, y: moved.y + LABEL_HEIGHT };
  }
  return moved;
}

function inside(label: Placed, pane: { width: number; height: number }): boolean {
  return label.y >= 0 && label.y + label.height <= pane.height && label.x + label.width <= pane.width;
}

function overlap(one: Placed, other: Placed): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}
