/** A box or a length in the making, by pointer or by arrow keys. Points are source pixels. */

import { type Affine, type Point, type Rectangle, apply, between, clamp, inverse, withinImage } from "./geometry.ts";
import type { StackImage } from "./series.ts";

export interface Stroke {
  image: StackImage;
  from: Point;
  to: Point;
  /** The pointer is down, or the first of two clicks was made. */
  held: boolean;
}

/** A stroke in the middle of what can be seen, a fifth of it wide: where the keys begin. */
export function centred(image: StackImage, toPane: Affine, width: number, height: number, flat: boolean): Stroke {
  const toSource = inverse(toPane);
  const reach = 0.1 * Math.min(width, height);
  const from = apply(toSource, { x: width / 2 - reach, y: height / 2 - (flat ? 0 : reach) });
  const to = apply(toSource, { x: width / 2 + reach, y: height / 2 + (flat ? 0 : reach) });
  return { image, from: held(image, from), to: held(image, to), held: false };
}

/** Moved by pixels of the pane: its whole, or the end alone. */
export function moved(stroke: Stroke, toPane: Affine, dx: number, dy: number, resize: boolean): Stroke {
  const by = (point: Point) => {
    const at = apply(toPane, point);
    return held(stroke.image, apply(inverse(toPane), { x: at.x + dx, y: at.y + dy }));
  };
  return { ...stroke, from: resize ? stroke.from : by(stroke.from), to: by(stroke.to) };
}

export function boxOf({ image, from, to }: Stroke): Rectangle {
  return withinImage(between(from, to), image.columns, image.rows);
}

/** In the image: what lies beside the film marks nothing. */
export function held(image: StackImage, point: Point): Point {
  return { x: clamp(point.x, 0, image.columns), y: clamp(point.y, 0, image.rows) };
}

/** Wide enough to be meant, on the screen. */
export function isMeant({ from, to }: Stroke, toPane: Affine): boolean {
  const one = apply(toPane, from);
  const other = apply(toPane, to);
  return Math.hypot(one.x - other.x, one.y - other.y) >= 4;
}
