/** Which side of the patient lies where on the screen: letters at the edges (PS3.3 C.7.6.1.1.1). */

import { type Dataset, items, numbers } from "./dicom_json.ts";

export interface Edges {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

const AXES = [
  ["L", "R"],
  ["P", "A"],
  ["H", "F"],
] as const;
const OPPOSITE: Record<string, string> = { L: "R", R: "L", P: "A", A: "P", H: "F", F: "H" };

/** Null where the image says nothing of its orientation: then no letter is guessed. */
export function edgesOf(dataset: Dataset, frame: number): Edges | null {
  const cosines = orientationOf(dataset, frame);
  const toward = cosines
    ? [letters(cosines.slice(0, 3)), letters(cosines.slice(3, 6))]
    : (dataset["00200020"]?.Value ?? []).map(String);
  const [right, bottom] = toward;
  if (!right || !bottom) return null;
  return { left: opposite(right), right, top: opposite(bottom), bottom };
}

export function flippedEdges(edges: Edges): Edges {
  return { ...edges, left: edges.right, right: edges.left };
}

export function orientationOf(dataset: Dataset, frame: number): number[] | null {
  const group = [items(dataset, "52009230")[frame - 1], items(dataset, "52009229")[0]]
    .map((each) => each && items(each, "00209116")[0])
    .find(Boolean);
  const values = numbers(group ?? dataset, "00200037");
  return values.length === 6 ? values : null;
}

export function positionOf(dataset: Dataset, frame: number): number[] | null {
  const group = items(dataset, "52009230")[frame - 1];
  const plane = group && items(group, "00209113")[0];
  const values = numbers(plane ?? dataset, "00200032");
  return values.length === 3 ? values : null;
}

/** The main direction first, then what else it leans to by more than some 17 degrees. */
function letters(direction: number[]): string {
  return direction
    .map((part, axis) => ({ part, letter: AXES[axis]?.[part > 0 ? 0 : 1] ?? "" }))
    .filter(({ part }) => Math.abs(part) > 0.3)
    .sort((one, other) => Math.abs(other.part) - Math.abs(one.part))
    .map(({ letter }) => letter)
    .join("");
}

function opposite(side: string): string {
  return [...side].map((letter) => OPPOSITE[letter] ?? "").join("");
}
