/** How far apart pixels are in the patient, and when nobody knows (PS3.3 10.7.1.3). */

import { type Dataset, items, numbers, text } from "./dicom_json.ts";

export interface Spacing {
  /** Millimetres from a pixel to the next in its row, and to the next in its column; null: not known in the patient. */
  columns: number;
  rows: number;
  unit: "mm" | "px";
  /** Why a length is given in pixels, or what its millimetres stand on; empty where there is nothing to say. */
  words: string;
}

const PIXEL_SPACING = "00280030";
const IMAGER_SPACING = "00181164";
const CALIBRATION_TYPE = "00280A02";
const SCANNED_SPACING = "00182010";

export function spacingOf(dataset: Dataset, frame: number): Spacing {
  const imager = numbers(dataset, IMAGER_SPACING);
  const own = pair(numbers(dataset, PIXEL_SPACING)) ?? pair(measures(dataset, frame));
  if (own && !(samePair(own, imager) && !text(dataset, CALIBRATION_TYPE))) {
    return { rows: own[0], columns: own[1], unit: "mm", words: calibrated(dataset, imager) };
  }
  return { rows: 1, columns: 1, unit: "px", words: unknown(dataset, imager) };
}

/** Length between two points of the image, both in pixels of the source. */
export function lengthBetween(spacing: Spacing, ax: number, ay: number, bx: number, by: number): number {
  return Math.hypot((bx - ax) * spacing.columns, (by - ay) * spacing.rows);
}

export function lengthText(spacing: Spacing, length: number): string {
  const digits = spacing.unit === "px" ? 0 : 1;
  return `${length.toFixed(digits)} ${spacing.unit}`;
}

function calibrated(dataset: Dataset, imager: number[]): string {
  const type = text(dataset, CALIBRATION_TYPE);
  if (type === "GEOMETRY") return "corrected for magnification, as sent";
  if (type === "FIDUCIAL") return "calibrated by an object of known size, as sent";
  return imager.length ? "calibrated, as sent" : "";
}

function unknown(dataset: Dataset, imager: number[]): string {
  if (imager.length) return "pixels: only the detector's spacing is known, not the patient's";
  if (numbers(dataset, SCANNED_SPACING).length) return "pixels: only the film scanner's spacing is known";
  return "pixels: the image states no spacing";
}

/** Pixel Measures of an enhanced object: of the frame, else shared (PS3.3 C.7.6.16.2.1). */
function measures(dataset: Dataset, frame: number): number[] {
  const groups = [items(dataset, "52009230")[frame - 1], items(dataset, "52009229")[0]];
  for (const group of groups) {
    const found = group && items(group, "00289110")[0];
    if (found) return numbers(found, PIXEL_SPACING);
  }
  return [];
}

function pair(values: number[]): [number, number] | null {
  const [rows, columns] = values;
  return rows && columns && rows > 0 && columns > 0 ? [rows, columns] : null;
}

function samePair(own: [number, number], other: number[]): boolean {
  return other.length === 2 && own.every((value, at) => Math.abs(value - (other[at] ?? 0)) < 1e-6);
}
