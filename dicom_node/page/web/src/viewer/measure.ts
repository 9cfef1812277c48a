/** Lengths on an image: two points in source pixels, said in millimetres or pixels. */

import type { Point } from "./geometry.ts";
import { type Spacing, lengthBetween, lengthText } from "./spacing.ts";

export interface Measure {
  id: number;
  imageId: string;
  from: Point;
  to: Point;
  /** Still being drawn. */
  open: boolean;
}

export function measureText(spacing: Spacing, { from, to }: Measure): string {
  const said = lengthText(spacing, lengthBetween(spacing, from.x, from.y, to.x, to.y));
  return spacing.unit === "px" ? `${said} (no scale)` : said;
}
