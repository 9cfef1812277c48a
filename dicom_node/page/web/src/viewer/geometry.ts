/** Between pixels of the source image and pixels of the screen. */

/** x' = a·x + c·y + e, y' = b·x + d·y + f: the order of an SVG matrix. */
export interface Affine {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Corners, x0 < x1 and y0 < y1. */
export interface Rectangle {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export function apply(affine: Affine, { x, y }: Point): Point {
  return { x: affine.a * x + affine.c * y + affine.e, y: affine.b * x + affine.d * y + affine.f };
}

export function inverse({ a, b, c, d, e, f }: Affine): Affine {
  const by = a * d - b * c;
  return { a: d / by, b: -b / by, c: -c / by, d: a / by, e: (c * f - d * e) / by, f: (b * e - a * f) / by };
}

/** The map that takes the source's corners (0, 0), (columns, 0), (0, rows) to these points. */
export function throughCorners(columns: number, rows: number, origin: Point, right: Point, down: Point): Affine {
  return {
    a: (right.x - origin.x) / columns,
    b: (right.y - origin.y) / columns,
    c: (down.x - origin.x) / rows,
    d: (down.y - origin.y) / rows,
    e: origin.x,
    f: origin.y,
  };
}

/** The rectangle over both corners, mapped: it stays upright under zoom, pan and flip. */
export function mapped(affine: Affine, box: Rectangle): Rectangle {
  return between(apply(affine, { x: box.x0, y: box.y0 }), apply(affine, { x: box.x1, y: box.y1 }));
}

export function between(one: Point, other: Point): Rectangle {
  return {
    x0: Math.min(one.x, other.x),
    y0: Math.min(one.y, other.y),
    x1: Math.max(one.x, other.x),
    y1: Math.max(one.y, other.y),
  };
}

/** The box in whole pixels within the image, at least one wide and high. */
export function withinImage(box: Rectangle, columns: number, rows: number): Rectangle {
  const x0 = clamp(Math.round(box.x0), 0, columns - 1);
  const y0 = clamp(Math.round(box.y0), 0, rows - 1);
  return { x0, y0, x1: clamp(Math.round(box.x1), x0 + 1, columns), y1: clamp(Math.round(box.y1), y0 + 1, rows) };
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
