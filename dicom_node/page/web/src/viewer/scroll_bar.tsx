/** The place in a stack: a slider by mouse and keyboard, over what has been loaded. */

export interface ScrollBarProps {
  label: string;
  index: number;
  count: number;
  loaded: readonly boolean[];
  failed: readonly boolean[];
  onMove(index: number): void;
}

export function ScrollBar({ label, index, count, loaded, failed, onMove }: ScrollBarProps) {
  if (count < 2) return null;
  return (
    <div class="viewer-scroll">
      <svg class="viewer-loaded" viewBox={`0 0 ${count} 1`} preserveAspectRatio="none" aria-hidden="true">
        {runs(loaded).map(([from, to]) => (
          <rect key={`l${from}`} class="is-loaded" x={from} y={0} width={to - from} height={1} />
        ))}
        {runs(failed).map(([from, to]) => (
          <rect key={`f${from}`} class="is-failed" x={from} y={0} width={to - from} height={1} />
        ))}
      </svg>
      <input
        type="range"
        min={1}
        max={count}
        value={index + 1}
        aria-label={label}
        aria-valuetext={`${index + 1} of ${count}`}
        onKeyDown={leaveToPage}
        onInput={(event) => onMove(Number(event.currentTarget.value) - 1)}
      />
    </div>
  );
}

/** Up and down scroll as they do everywhere on the page; by itself a slider would go the other way. */
function leaveToPage(event: KeyboardEvent): void {
  if (["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"].includes(event.key)) event.preventDefault();
}

/** Half-open runs of true. */
function runs(flags: readonly boolean[]): [number, number][] {
  const found: [number, number][] = [];
  flags.forEach((flag, at) => {
    const last = found.at(-1);
    if (flag && last && last[1] === at) last[1] = at + 1;
    else if (flag) found.push([at, at + 1]);
  });
  return found;
}
