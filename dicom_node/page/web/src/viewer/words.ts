/** What the viewer says in place of an image, and of one. */

import { FrameUnusable } from "./frames.ts";
import { SeriesUnavailable, type Stack } from "./series.ts";

export function whyNoImage(problem: unknown): string {
  if (problem instanceof FrameUnusable || isUnusableAnswer(problem)) return "This image arrived damaged or incomplete. It is not shown.";
  const status = statusOf(problem);
  if (status === null) return "This image cannot be decoded. It is not shown.";
  if (status === 0) return "The node cannot be reached. The image is shown as soon as it is back.";
  if (status === 401) return "You are no longer logged in. Log in again to see the image.";
  if (status === 403) return "You may not see this image.";
  if (status === 404 || status === 410) return "The node does not hold this image.";
  if (status === 429) return "The node asks to wait. The image is shown in a moment.";
  if (status >= 500) return "The node could not give this image. It is tried again.";
  return `The node refused this image (status ${status}). It is not shown.`;
}

/** Worth trying again by itself: the network, or a node that is busy or starting. */
export function mayPass(problem: unknown): boolean {
  const status = statusOf(problem);
  return status === 0 || status === 429 || (status !== null && status >= 500);
}

/** Cornerstone rejects with the request itself, also where our check of its answer said no. */
function isUnusableAnswer(problem: unknown): boolean {
  return problem instanceof XMLHttpRequest && problem.status >= 200 && problem.status < 300;
}

/** The HTTP status; 0 when there was no answer; null when the problem is another one. */
function statusOf(problem: unknown): number | null {
  if (problem instanceof SeriesUnavailable || problem instanceof Response) return problem.status;
  if (problem instanceof XMLHttpRequest) return problem.status;
  return problem instanceof TypeError && /fetch/i.test(problem.message) ? 0 : null;
}

export function imageWords(stack: Stack, index: number): string {
  const count = stack.images.length;
  const place = count > 1 ? `${stack.modality} image ${index + 1} of ${count}` : `${stack.modality} image`;
  return stack.description ? `${place}, ${stack.description}` : place;
}

/** 20260131 as 2026-01-31. */
export function dateWords(date: string): string {
  return /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
}
