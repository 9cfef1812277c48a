/** Windows on the keys 1–5, and how a window is said. 0 is the window as it was sent. */

export interface Range {
  lower: number;
  upper: number;
}

interface Preset {
  name: string;
  range(sent: Range, whole: Range): Range;
}

/** Widths and centres in Hounsfield units, as in common teaching. */
const CT: Preset[] = [
  hounsfield("lung", 1500, -600),
  hounsfield("soft tissue", 400, 40),
  hounsfield("bone", 1800, 400),
  hounsfield("brain", 80, 40),
  hounsfield("liver", 150, 60),
];

/** Elsewhere values have no common scale: the presets are relative to the window as sent. */
const RELATIVE: Preset[] = [
  { name: "whole range", range: (_sent, whole) => whole },
  { name: "more contrast", range: (sent) => scaled(sent, 0.6, 0) },
  { name: "less contrast", range: (sent) => scaled(sent, 1.6, 0) },
  { name: "lighter", range: (sent) => scaled(sent, 1, -0.2) },
  { name: "darker", range: (sent) => scaled(sent, 1, 0.2) },
];

export function presetsOf(modality: string): readonly Preset[] {
  return modality === "CT" ? CT : RELATIVE;
}

export function windowText(range: Range, name: string): string {
  const width = Math.round(range.upper - range.lower);
  const level = Math.round((range.upper + range.lower) / 2);
  return `W ${said(width)} L ${said(level)}${name ? ` · ${name}` : ""}`;
}

function hounsfield(name: string, width: number, level: number): Preset {
  return { name, range: () => ({ lower: level - width / 2, upper: level + width / 2 }) };
}

function scaled(range: Range, width: number, shift: number): Range {
  const centre = (range.lower + range.upper) / 2 + shift * (range.upper - range.lower);
  const half = (width * (range.upper - range.lower)) / 2;
  return { lower: centre - half, upper: centre + half };
}

function said(value: number): string {
  return String(value).replace("-", "−");
}
