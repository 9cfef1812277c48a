/** What is drawn over an image: boxes with their names, a length, a box in the making. One SVG, in pixels of the pane. */

import { type Affine, type Point, type Rectangle, apply, mapped } from "./geometry.ts";
import { LABEL_HEIGHT, placeLabels } from "./labels.ts";
import { type Measure, measureText } from "./measure.ts";
import type { StackImage } from "./series.ts";
import type { MarkedBox } from "./types.ts";

const LABEL_PADDING = 8;

export interface OverlayProps {
  image: StackImage;
  toPane: Affine;
  width: number;
  height: number;
  boxes: readonly MarkedBox[];
  selected: string | null;
  draft: Rectangle | null;
  measures: readonly Measure[];
  onSelect(id: string): void;
  onRemoveMeasure(id: number): void;
}

export function Overlay(props: OverlayProps) {
  const { toPane, width, height, selected, draft, measures, image } = props;
  const boxes = props.boxes.filter((box) => inPane(mapped(toPane, box), width, height));
  const corners = boxes.map((box) => mapped(toPane, box));
  const names = boxes.map((box) => box.label);
  const places = placeLabels(corners, names.map(labelWidth), { width, height });
  return (
    <svg class="viewer-overlay" width={width} height={height} viewBox={`0 0 ${width} ${height}`} data-source-to-pane={matrix(toPane)}>
      {boxes.map((box, at) => (
        <MarkedRectangle
          key={`${box.id}/${at}`}
          box={box}
          corners={corners[at] as Rectangle}
          label={places[at] as { x: number; y: number; width: number }}
          selected={box.id === selected}
          onSelect={props.onSelect}
        />
      ))}
      {measures.map((measure) => (
        <Length key={measure.id} measure={measure} image={image} toPane={toPane} onRemove={props.onRemoveMeasure} />
      ))}
      {draft && <Outline class="viewer-draft" corners={mapped(toPane, draft)} />}
    </svg>
  );
}

interface MarkedRectangleProps {
  box: MarkedBox;
  corners: Rectangle;
  label: { x: number; y: number; width: number };
  selected: boolean;
  onSelect(id: string): void;
}

function MarkedRectangle({ box, corners, label, selected, onSelect }: MarkedRectangleProps) {
  const choose = () => onSelect(box.id);
  const byKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  };
  return (
    <g
      class={`viewer-box is-${box.kind}${selected ? " is-selected" : ""}`}
      role="button"
      tabindex={0}
      aria-label={`Box: ${box.label}`}
      aria-pressed={selected}
      data-box={box.id}
      onClick={choose}
      onKeyDown={byKey}
    >
      <Outline class="viewer-outline" corners={corners} />
      <rect class="viewer-name" x={label.x} y={label.y} width={label.width} height={LABEL_HEIGHT} rx={3} />
      <text x={label.x + LABEL_PADDING} y={label.y + 16}>
        {box.label}
      </text>
    </g>
  );
}

/** A coloured line with a white halo: 3:1 against film black and lung grey alike. The third takes the pointer. */
function Outline({ corners, class: name }: { corners: Rectangle; class: string }) {
  const at = { x: corners.x0, y: corners.y0, width: corners.x1 - corners.x0, height: corners.y1 - corners.y0 };
  return (
    <g class={name}>
      <rect class="halo" {...at} />
      <rect class="line" {...at} />
      <rect class="reach" {...at} />
    </g>
  );
}

interface LengthProps {
  measure: Measure;
  image: StackImage;
  toPane: Affine;
  onRemove(id: number): void;
}

function Length({ measure, image, toPane, onRemove }: LengthProps) {
  const from = apply(toPane, measure.from);
  const to = apply(toPane, measure.to);
  const words = measureText(image.spacing, measure);
  const width = labelWidth(words);
  const line = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
  return (
    <g class={`viewer-length${measure.open ? " is-open" : ""}`}>
      <line class="halo" {...line} />
      <line class="line" {...line} />
      <End at={from} />
      <End at={to} />
      <g
        role="button"
        tabindex={measure.open ? -1 : 0}
        aria-label={`Length ${words}. Remove it.`}
        onClick={() => onRemove(measure.id)}
        onKeyDown={(event) => (event.key === "Enter" || event.key === "Delete") && onRemove(measure.id)}
      >
        <title>{image.spacing.words ? `${words} (${image.spacing.words}). Press to remove.` : `${words}. Press to remove.`}</title>
        <rect class="viewer-name" x={to.x + 10} y={to.y - 12} width={width} height={LABEL_HEIGHT} rx={3} />
        <text x={to.x + 10 + LABEL_PADDING} y={to.y + 4}>
          {words}
        </text>
      </g>
    </g>
  );
}

function End({ at }: { at: Point }) {
  return (
    <>
      <path class="halo" d={`M${at.x - 6} ${at.y}h12M${at.x} ${at.y - 6}v12`} />
      <path class="line" d={`M${at.x - 6} ${at.y}h12M${at.x} ${at.y - 6}v12`} />
    </>
  );
}

/** For tests and for whoever looks: as an SVG matrix would be written. */
function matrix({ a, b, c, d, e, f }: Affine): string {
  return [a, b, c, d, e, f].join(" ");
}

function inPane(box: Rectangle, width: number, height: number): boolean {
  return box.x0 < width && box.x1 > 0 && box.y0 < height && box.y1 > 0;
}

/** In pixels, for 13 px text of the page's face: wide enough for any common one. */
function labelWidth(words: string): number {
  return Math.ceil(words.length * 7.1) + 2 * LABEL_PADDING;
}
