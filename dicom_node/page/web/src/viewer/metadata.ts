/** Headers as the renderer can bear them: what is no number, or no direction, would leave nothing on the screen. */

import { type Dataset, number, numbers, text } from "./dicom_json.ts";

const MODALITY = "00080060";
const PIXEL_SPACING = "00280030";
const ORIENTATION = "00200037";
const POSITION = "00200032";
const WINDOW = ["00281050", "00281051"] as const;

/** A copy without what cannot be meant: spacings of zero, directions that are none, windows without width. */
export function bearable(dataset: Dataset): Dataset {
  const out: Dataset = { ...dataset };
  if (!text(out, MODALITY)) out[MODALITY] = { vr: "CS", Value: ["OT"] }; // Cornerstone asks it for `includes`
  const spacing = numbers(out, PIXEL_SPACING);
  if (!(spacing.length === 2 && spacing.every((each) => each > 0))) delete out[PIXEL_SPACING];
  if (!isPlane(numbers(out, ORIENTATION))) delete out[ORIENTATION];
  if (numbers(out, POSITION).length !== 3) delete out[POSITION];
  if (!((number(out, WINDOW[1]) ?? 0) > 0) || number(out, WINDOW[0]) === null) for (const tag of WINDOW) delete out[tag];
  return out;
}

/** Two directions at right angles, each of length one: to within what decimal strings lose. */
function isPlane(cosines: number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = cosines;
  const unit = (x: number, y: number, z: number) => Math.abs(Math.hypot(x, y, z) - 1) < 0.01;
  return cosines.length === 6 && unit(a, b, c) && unit(d, e, f) && Math.abs(a * d + b * e + c * f) < 0.01;
}

