/** A pane of the viewer: the image, what is drawn over it, and in words what it is. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ViewportId } from "./engine.ts";
import { engine } from "./engine.ts";
import { flippedEdges } from "./orientation.ts";
import { Overlay, type OverlayProps } from "./overlay.tsx";
import { Pane, type View } from "./pane.ts";
import { ScrollBar } from "./scroll_bar.tsx";
import type { SeriesRef } from "./types.ts";
import { dateWords } from "./words.ts";

const NOTCH = 40;

export interface PaneViewProps extends Pick<OverlayProps, "boxes" | "selected" | "draft" | "measures" | "onSelect" | "onRemoveMeasure"> {
  id: ViewportId;
  heading: string;
  series: SeriesRef | null;
  /** What the pointer does when it neither moves the window nor the image. */
  pointer: { name: "draw" | "measure"; down: PointerAct; move: PointerAct; up: PointerAct } | null;
  onPane(pane: Pane | null): void;
  onView(view: View): void;
}

export type PointerAct = (x: number, y: number) => void;

export function PaneView(props: PaneViewProps) {
  const stage = useRef<HTMLDivElement>(null);
  const [pane, setPane] = useState<Pane | null>(null);
  const [view, setView] = useState<View | null>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const holder = stage.current;
    if (!holder) return;
    const element = document.createElement("div");
    element.className = "viewer-canvas";
    holder.prepend(element);
    const made = new Pane(engine(), props.id, element, (next) => {
      setView(next);
      latest.current.onView(next);
    });
    const observer = new ResizeObserver(() => {
      setSize({ width: holder.clientWidth, height: holder.clientHeight });
      engine().resize();
      made.resized();
    });
    observer.observe(holder);
    setPane(made);
    latest.current.onPane(made);
    return () => {
      observer.disconnect();
      latest.current.onPane(null);
      made.close();
      element.remove();
    };
  }, [props.id]);

  useEffect(() => {
    void pane?.open(props.series);
  }, [pane, props.series?.studyUid, props.series?.seriesUid]);

  useWheel(stage, pane);
  const words = view?.words ?? "";
  return (
    <section class={`viewer-pane is-${props.id}`} data-state={view?.state ?? "empty"} aria-label={props.heading || "Image"}>
      {props.heading && (
        <header class="viewer-heading">
          <strong>{props.heading}</strong>
          {view?.stack && <span>{[dateWords(view.stack.date), view.stack.description].filter(Boolean).join(" · ")}</span>}
        </header>
      )}
      <div class="viewer-stage" ref={stage} onContextMenu={(event) => event.preventDefault()}>
        <p class="visually-hidden viewer-equivalent" role="img" aria-label={equivalent(view, props.boxes.map((box) => box.label))} />
        {view?.state === "shown" && view.image && view.toPane && size.width > 0 && (
          <Overlay
            image={view.image}
            toPane={view.toPane}
            width={size.width}
            height={size.height}
            boxes={props.boxes}
            selected={props.selected}
            draft={props.draft}
            measures={props.measures}
            onSelect={props.onSelect}
            onRemoveMeasure={props.onRemoveMeasure}
          />
        )}
        {props.pointer && <PointerSheet {...props.pointer} />}
        {view && <Edges view={view} />}
        {view && <Chips view={view} />}
        {view && view.state !== "shown" && (
          <p class={`viewer-words is-${view.state}`} role={view.state === "failed" ? "alert" : undefined}>
            {words}
          </p>
        )}
      </div>
      {view && <Foot view={view}>
        <ScrollBar
          label={`${props.heading || "Image"}: place in the series`}
          index={view.index}
          count={view.stack?.images.length ?? 0}
          loaded={view.loaded}
          failed={view.failed}
          onMove={(index) => void pane?.show(index)}
        />
      </Foot>}
    </section>
  );
}

/** Scrolls a stack, zooms a single image (and a stack with Ctrl). A touchpad's small steps add up to a notch. */
function useWheel(stage: { current: HTMLDivElement | null }, pane: Pane | null): void {
  useEffect(() => {
    const holder = stage.current;
    if (!holder || !pane) return;
    let turned = 0;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
      const notches = Math.trunc(turned / NOTCH);
      if (!notches) return;
      turned = 0;
      const stack = (pane.current().stack?.images.length ?? 0) > 1;
      if (stack && !event.ctrlKey) pane.scroll(Math.abs(event.deltaY) >= NOTCH ? Math.sign(notches) : notches);
      else pane.zoom(notches > 0 ? 1 / 1.15 : 1.15);
    };
    holder.addEventListener("wheel", onWheel, { passive: false });
    return () => holder.removeEventListener("wheel", onWheel);
  }, [pane]);
}

/** Over everything while a box or a length is drawn: Cornerstone's tools below hear nothing of it. */
function PointerSheet({ name, down, move, up }: NonNullable<PaneViewProps["pointer"]>) {
  const place = (act: PointerAct) => (event: PointerEvent) => {
    const sheet = (event.currentTarget as HTMLElement).getBoundingClientRect();
    act(event.clientX - sheet.left, event.clientY - sheet.top);
  };
  const start = (event: PointerEvent) => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    place(down)(event);
  };
  return <div class={`viewer-sheet is-${name}`} onPointerDown={start} onPointerMove={place(move)} onPointerUp={place(up)} />;
}

function Chips({ view }: { view: View }) {
  if (!view.flipped && !view.inverted) return null;
  return (
    <div class="viewer-chips">
      {view.flipped && <span class="viewer-chip">Flipped left–right</span>}
      {view.inverted && <span class="viewer-chip">Inverted</span>}
    </div>
  );
}

function Edges({ view }: { view: View }) {
  if (view.state !== "shown" || !view.image?.edges) return null;
  const { left, right, top, bottom } = view.flipped ? flippedEdges(view.image.edges) : view.image.edges;
  return (
    <div class="viewer-edges" aria-hidden="true">
      <span class="is-left">{left}</span>
      <span class="is-right">{right}</span>
      <span class="is-top">{top}</span>
      <span class="is-bottom">{bottom}</span>
    </div>
  );
}

function Foot({ view, children }: { view: View; children: ComponentChildren }) {
  const count = view.stack?.images.length ?? 0;
  const loaded = view.loaded.filter(Boolean).length;
  return (
    <footer class="viewer-foot">
      {count > 1 && (
        <span class="viewer-place">
          {view.index + 1} <small>/ {count}</small>
        </span>
      )}
      {children}
      {count > 1 && loaded < count && <span>{loaded} loaded</span>}
      <span class="viewer-window">{view.state === "shown" ? view.window : ""}</span>
      <span class="viewer-zoom">{view.state === "shown" ? `${Math.round(view.zoom * 100)} %` : ""}</span>
    </footer>
  );
}

/** What a canvas says to nobody: which image, how it is shown, what is marked on it. */
function equivalent(view: View | null, marked: readonly string[]): string {
  if (!view || view.state !== "shown") return view?.words ?? "No image.";
  const how = [view.window, view.flipped ? "flipped left to right" : "", view.inverted ? "inverted" : ""];
  const boxes = marked.length ? `marked: ${marked.join(", ")}` : "nothing marked";
  return [view.words, ...how, boxes].filter(Boolean).join("; ");
}
