/** Undo and redo: what was, what is, what was undone. */

export interface Timeline<T> {
  past: readonly T[];
  now: T;
  future: readonly T[];
}

export function timeline<T>(now: T): Timeline<T> {
  return { past: [], now, future: [] };
}

export function did<T>(line: Timeline<T>, now: T): Timeline<T> {
  return { past: [...line.past, line.now], now, future: [] };
}

export function undone<T>(line: Timeline<T>): Timeline<T> {
  const before = line.past.at(-1);
  return before === undefined ? line : { past: line.past.slice(0, -1), now: before, future: [line.now, ...line.future] };
}

export function redone<T>(line: Timeline<T>): Timeline<T> {
  const [next, ...rest] = line.future;
  return next === undefined ? line : { past: [...line.past, line.now], now: next, future: rest };
}
