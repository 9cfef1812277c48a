/** A series as a stack of images: fetched once, put in order. */

import { type Dataset, number, text } from "./dicom_json.ts";
import { type Edges, edgesOf, orientationOf, positionOf } from "./orientation.ts";
import { type Spacing, spacingOf } from "./spacing.ts";
import type { SeriesRef } from "./types.ts";

export const DICOMWEB = "/dicomweb";

export interface StackImage {
  imageId: string;
  sopInstanceUid: string;
  /** From 1. */
  frame: number;
  rows: number;
  columns: number;
  spacing: Spacing;
  edges: Edges | null;
  /** Millimetres along the normal of the plane; null where the image has no place in space. */
  along: number | null;
  dataset: Dataset;
}

export interface Stack {
  ref: SeriesRef;
  modality: string;
  description: string;
  /** YYYYMMDD, or empty. */
  date: string;
  images: StackImage[];
}

export class SeriesUnavailable extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`series metadata: ${status}`);
    this.status = status;
  }
}

export async function loadStack(ref: SeriesRef, signal: AbortSignal): Promise<Stack> {
  const answer = await fetch(`${addressOf(ref)}/metadata`, { headers: { Accept: "application/dicom+json" }, signal });
  if (!answer.ok) throw new SeriesUnavailable(answer.status);
  const datasets = answer.status === 204 ? [] : ((await answer.json()) as Dataset[]);
  return stackOf(ref, datasets);
}

export function stackOf(ref: SeriesRef, datasets: Dataset[]): Stack {
  const first = datasets[0] ?? {};
  return {
    ref,
    modality: text(first, "00080060"),
    description: text(first, "0008103E"),
    date: text(first, "00080021") || text(first, "00080020"),
    images: datasets.flatMap((dataset) => imagesOf(ref, dataset)).sort(inOrder),
  };
}

/** Where a stack opens: in the middle of slices through space, else at its first image. */
export function opensAt(stack: Stack): number {
  const inSpace = stack.images.length > 2 && stack.images.every((image) => image.along !== null);
  return inSpace ? Math.floor(stack.images.length / 2) : 0;
}

function imagesOf(ref: SeriesRef, dataset: Dataset): StackImage[] {
  const rows = number(dataset, "00280010");
  const columns = number(dataset, "00280011");
  const sopInstanceUid = text(dataset, "00080018");
  if (!rows || !columns || !sopInstanceUid) return [];
  const frames = Math.max(1, number(dataset, "00280008") ?? 1);
  const scheme = drawnByNode(dataset) ? "rendered" : "wadors";
  return Array.from({ length: frames }, (_, at) => ({
    imageId: `${scheme}:${addressOf(ref)}/instances/${sopInstanceUid}/frames/${at + 1}`,
    sopInstanceUid,
    frame: at + 1,
    rows,
    columns,
    spacing: spacingOf(dataset, at + 1),
    edges: edgesOf(dataset, at + 1),
    along: alongNormal(dataset, at + 1),
    dataset,
  }));
}

/** A palette's tables may lie elsewhere than in the metadata, and pixels of one bit are packed: the node draws both. */
function drawnByNode(dataset: Dataset): boolean {
  return text(dataset, "00280004") === "PALETTE COLOR" || number(dataset, "00280100") === 1;
}

function addressOf(ref: SeriesRef): string {
  return `${DICOMWEB}/studies/${ref.studyUid}/series/${ref.seriesUid}`;
}

/** By Instance Number, as the modality counted and the PACS lists; frames within their instance. */
function inOrder(one: StackImage, other: StackImage): number {
  return (
    instanceNumber(one) - instanceNumber(other) ||
    (one.along ?? 0) - (other.along ?? 0) ||
    compare(one.sopInstanceUid, other.sopInstanceUid) ||
    one.frame - other.frame
  );
}

function instanceNumber(image: StackImage): number {
  return number(image.dataset, "00200013") ?? 0;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function alongNormal(dataset: Dataset, frame: number): number | null {
  const place = positionOf(dataset, frame);
  const plane = orientationOf(dataset, frame);
  if (!place || !plane) return null;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = plane;
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  return normal.reduce((sum, part, axis) => sum + part * (place[axis] ?? 0), 0);
}
