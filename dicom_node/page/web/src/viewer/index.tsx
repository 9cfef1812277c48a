/** The viewer: an image, beside it a prior, over both what was found. Everything is said through props, status and commands. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Stroke, boxOf, centred, held, isMeant, moved } from "./drawing.ts";
import { apply, inverse } from "./geometry.ts";
import type { Measure } from "./measure.ts";
import type { Pane, View } from "./pane.ts";
import { PaneView, type PaneViewProps } from "./pane_view.tsx";
import { Synchrony } from "./synchrony.ts";
import type { MarkedBox, ViewerCommands, ViewerProps, ViewerStatus } from "./types.ts";
import "./viewer.css";

type Mode = "look" | "draw" | "measure";

export default function Viewer(props: ViewerProps) {
  const latest = useRef(props);
  latest.current = props;
  const wrapper = useRef<HTMLDivElement>(null);
  const main = useRef<Pane | null>(null);
  const prior = useRef<Pane | null>(null);
  const [view, setView] = useState<View | null>(null);
  const [priorView, setPriorView] = useState<View | null>(null);
  const [measuring, setMeasuring] = useState(false);
  const [stroke, setStroke] = useState<Stroke | null>(null);
  const [measures, setMeasures] = useState<Measure[]>([]);
  const synchrony = useMemo(() => new Synchrony(), []);
  const mode: Mode = props.drawing ? "draw" : measuring ? "measure" : "look";

  // Before the next paint: later, on a slow screen, it would wipe out a stroke that has begun.
  useLayoutEffect(() => setStroke(null), [mode, view?.image?.imageId]);
  useEffect(() => {
    if (view) latest.current.onStatus(statusOf(view));
  }, [view]);
  useEffect(() => synchrony.main(view, prior.current), [view?.image?.imageId]);
  useEffect(() => synchrony.prior(priorView), [priorView?.image?.imageId]);

  const finish = (done: Stroke | null) => {
    setStroke(null);
    if (!done) return;
    const { sopInstanceUid, frame, imageId } = done.image;
    if (mode === "draw") latest.current.onBoxDrawn({ sopInstanceUid, frame, ...boxOf(done) });
    else setMeasures((before) => [...before, { id: nextId(before), imageId, from: done.from, to: done.to, open: false }]);
  };

  const beginByKey = (): Stroke | null => {
    const size = wrapper.current?.querySelector(".is-main .viewer-stage");
    if (!view?.image || !view.toPane || !size) return null;
    return centred(view.image, view.toPane, size.clientWidth, size.clientHeight, mode === "measure");
  };
  const moveByKey = (dx: number, dy: number, resize: boolean) => {
    const before = stroke ?? beginByKey();
    if (before && view?.toPane) setStroke(stroke ? moved(before, view.toPane, dx, dy, resize) : before);
  };

  const acts = { finish: () => finish(stroke), moveByKey, startMeasuring: () => setMeasuring((on) => !on) };
  const current = useRef(acts);
  current.current = acts;

  useEffect(() => {
    const forget = () => setMeasures([]);
    latest.current.commands(commandsOver(main, prior, current, latest, wrapper, forget));
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (mode !== "measure") return;
    const done = measuringKey(event, {
      move: moveByKey,
      finish: () => finish(stroke),
      leave: () => setMeasuring(false),
    });
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const boxes = props.boxesVisible ? props.boxes : [];
  const paneProps = { selected: props.selected, onSelect: props.onSelect, onRemoveMeasure: (id: number) => setMeasures((all) => all.filter((one) => one.id !== id)) };
  const open = mode === "measure" && stroke ? [{ id: 0, imageId: stroke.image.imageId, from: stroke.from, to: stroke.to, open: true }] : [];
  return (
    <div
      class={`viewer is-${mode}`}
      ref={wrapper}
      role="group"
      tabIndex={0}
      aria-label={`Image viewer. ${view?.words ?? ""}`}
      onKeyDown={onKeyDown}
    >
      <PaneView
        {...paneProps}
        id="main"
        heading={props.prior ? "Current" : ""}
        series={props.main}
        boxes={boxesOn(boxes, view)}
        draft={mode === "draw" && stroke ? boxOf(stroke) : null}
        measures={[...measures, ...open].filter((one) => one.imageId === view?.image?.imageId)}
        pointer={mode === "look" ? null : pointerOver(mode, view, stroke, setStroke, finish)}
        onPane={(pane) => {
          main.current = pane;
        }}
        onView={setView}
      />
      {props.prior && (
        <PaneView
          {...paneProps}
          id="prior"
          heading="Prior"
          series={props.prior}
          boxes={boxesOn(boxes, priorView)}
          draft={null}
          measures={measures.filter((one) => one.imageId === priorView?.image?.imageId)}
          pointer={null}
          onPane={(pane) => {
            prior.current = pane;
            if (!pane) setPriorView(null);
          }}
          onView={setPriorView}
        />
      )}
    </div>
  );
}

function statusOf(view: View): ViewerStatus {
  return {
    state: view.state,
    words: view.words,
    sopInstanceUid: view.image?.sopInstanceUid ?? null,
    frame: view.image?.frame ?? 1,
    index: view.index,
    count: view.stack?.images.length ?? 0,
    loaded: view.loaded.filter(Boolean).length,
    flipped: view.flipped,
    inverted: view.inverted,
    window: view.window,
    zoom: view.zoom,
  };
}

function boxesOn(boxes: readonly MarkedBox[], view: View | null): MarkedBox[] {
  const image = view?.image;
  return image ? boxes.filter((box) => box.sopInstanceUid === image.sopInstanceUid && box.frame === image.frame) : [];
}

/** A box is dragged; a length is dragged too, or clicked at both ends (WCAG 2.2, 2.5.7). */
function pointerOver(
  name: "draw" | "measure",
  view: View | null,
  stroke: Stroke | null,
  setStroke: (stroke: Stroke | null) => void,
  finish: (stroke: Stroke | null) => void,
): PaneViewProps["pointer"] {
  const image = view?.image;
  const toPane = view?.toPane;
  const at = (x: number, y: number) => (image && toPane ? held(image, apply(inverse(toPane), { x, y })) : { x: 0, y: 0 });
  return {
    name,
    down: (x, y) => {
      if (image && !stroke?.held) setStroke({ image, from: at(x, y), to: at(x, y), held: true });
    },
    move: (x, y) => {
      if (stroke?.held) setStroke({ ...stroke, to: at(x, y) });
    },
    up: (x, y) => {
      if (!stroke?.held || !toPane) return;
      const done = { ...stroke, to: at(x, y) };
      if (isMeant(done, toPane)) finish(done);
      else if (name === "draw") setStroke(null);
    },
  };
}

const STEPS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_STEP = 8;

interface Measuring {
  move(dx: number, dy: number, resize: boolean): void;
  finish(): void;
  leave(): void;
}

/** Whether the key was one of measuring's own: arrows move, with Shift the end alone, Enter takes it, Escape leaves. */
function measuringKey(event: KeyboardEvent, acts: Measuring): boolean {
  const step = STEPS[event.key];
  if (step) acts.move(step[0] * KEY_STEP, step[1] * KEY_STEP, event.shiftKey);
  else if (event.key === "Enter" && event.target === event.currentTarget) acts.finish();
  else if (event.key === "Escape") acts.leave();
  else return false;
  return true;
}

function nextId(measures: readonly Measure[]): number {
  return 1 + Math.max(0, ...measures.map((one) => one.id));
}

interface Ref<T> {
  current: T;
}

function commandsOver(
  main: Ref<Pane | null>,
  prior: Ref<Pane | null>,
  acts: Ref<{ finish(): void; moveByKey(dx: number, dy: number, resize: boolean): void; startMeasuring(): void }>,
  props: Ref<ViewerProps>,
  wrapper: Ref<HTMLDivElement | null>,
  forgetMeasures: () => void,
): ViewerCommands {
  const both = (act: (pane: Pane) => void) => {
    for (const pane of [main.current, prior.current]) if (pane?.current().state === "shown") act(pane);
  };
  const shown = (act: (pane: Pane) => void) => {
    if (main.current?.current().state === "shown") act(main.current);
  };
  return {
    windowPreset: (n) => both((pane) => pane.windowPreset(n)),
    invert: () => shown((pane) => pane.invert()),
    flip: () => shown((pane) => pane.flip()),
    zoom: (factor) => both((pane) => pane.zoom(factor)),
    fit: () => both((pane) => pane.fit()),
    pan: (dx, dy) => shown((pane) => pane.pan(dx, dy)),
    scroll: (slices) => main.current?.scroll(slices),
    scrollTo: (end) => {
      const count = main.current?.current().stack?.images.length ?? 0;
      if (count) void main.current?.show(end === "first" ? 0 : count - 1);
    },
    showBox: (id) => {
      const box = props.current.boxes.find((one) => one.id === id);
      if (box) for (const pane of [main.current, prior.current]) void pane?.showBox(box);
    },
    length: () => {
      acts.current.startMeasuring();
      wrapper.current?.focus();
    },
    reset: () => {
      forgetMeasures();
      both((pane) => pane.reset());
    },
    moveDrawing: (dx, dy, resize) => acts.current.moveByKey(dx, dy, resize),
    finishDrawing: () => acts.current.finish(),
  };
}
