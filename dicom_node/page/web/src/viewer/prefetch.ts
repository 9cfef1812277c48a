/** In which order a stack is fetched, and where the wheel goes while it is. */

/** Browsers open six connections to a host: one stays for the page's events, one for what is asked right now. */
export const PREFETCH_CONNECTIONS = 4;

/** Indexes from the middle outward, what lies ahead before what lies behind. */
export function outward(middle: number, count: number): number[] {
  const order = count ? [middle] : [];
  for (let step = 1; order.length < count; step += 1) {
    if (middle + step < count) order.push(middle + step);
    if (middle - step >= 0) order.push(middle - step);
  }
  return order;
}

/**
 * The image that a turn of the wheel leads to: the one asked for, else the next one beyond it that can be shown, else
 * the furthest before it; null when there is none to go to. An image that failed counts as one to go to: it must be
 * seen to be missing, never be skipped.
 */
export function wheelTarget(from: number, slices: number, count: number, ready: (index: number) => boolean): number | null {
  const direction = Math.sign(slices);
  const asked = Math.min(count - 1, Math.max(0, from + slices));
  for (let index = asked; index >= 0 && index < count; index += direction) if (ready(index)) return index;
  for (let index = asked - direction; index !== from && index >= 0 && index < count; index -= direction) {
    if (ready(index)) return index;
  }
  return null;
}
