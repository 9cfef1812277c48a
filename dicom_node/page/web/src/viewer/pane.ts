/**
 * One viewport. The rule that everything here serves: what is on the screen is the image that was asked for, or nothing.
 *
 * Cornerstone's own `setStack` resolves when decoding failed, and leaves the image before it on the canvas. So an image is
 * fetched and checked before the viewport hears of it, the canvas is hidden from the moment another image is asked for,
 * and it is uncovered only by a rendering whose image is the one asked for.
 */

import { Enums, type Types, eventTarget } from "@cornerstonejs/core";
import { Enums as ToolEnums } from "@cornerstonejs/tools";
import { type Engine, type ViewportId, registerMetadata } from "./engine.ts";
import { type Affine, apply, throughCorners } from "./geometry.ts";
import { Images } from "./images.ts";
import { wheelTarget } from "./prefetch.ts";
import { type Stack, type StackImage, loadStack, opensAt } from "./series.ts";
import type { MarkedBox, SeriesRef } from "./types.ts";
import { type Range, presetsOf, windowText } from "./windows.ts";
import { imageWords, mayPass, whyNoImage } from "./words.ts";

export interface View {
  state: "empty" | "loading" | "shown" | "failed";
  words: string;
  stack: Stack | null;
  /** What is on the screen; null while nothing is. */
  image: StackImage | null;
  /** Of the image asked for: the same as the one on the screen once it is shown. */
  index: number;
  loaded: boolean[];
  failed: boolean[];
  flipped: boolean;
  inverted: boolean;
  window: string;
  zoom: number;
  /** From source pixels to pixels of the pane. */
  toPane: Affine | null;
}

const RETRY_AFTER = [2_000, 4_000, 8_000, 15_000];
const NOTHING: View = {
  state: "empty",
  words: "No image is chosen.",
  stack: null,
  image: null,
  index: 0,
  loaded: [],
  failed: [],
  flipped: false,
  inverted: false,
  window: "",
  zoom: 1,
  toPane: null,
};

export class Pane {
  private readonly engine: Engine;
  private readonly viewport: Types.IStackViewport;
  private readonly id: ViewportId;
  private readonly onView: (view: View) => void;
  private readonly listening = new AbortController();
  private fetching = new AbortController();
  private images: Images | null = null;
  private view: View = NOTHING;
  /** Grows with everything that is asked for: what comes back for an earlier number is late, and dropped. */
  private asked = 0;
  private target = 0;
  private stackSet = false;
  private presetName = "as sent";
  /** The whole image is in view and nobody has moved it: so it stays when the pane changes its size. */
  private fitted = true;
  private retry = 0;
  private retries = 0;

  constructor(engine: Engine, id: ViewportId, element: HTMLDivElement, onView: (view: View) => void) {
    this.engine = engine;
    this.id = id;
    this.onView = onView;
    this.viewport = engine.enable(id, element);
    this.cover();
    const { signal } = this.listening;
    const on = (name: string, act: (event: Event) => void, target: EventTarget = element) =>
      target.addEventListener(name, act, { signal });
    on(Enums.Events.IMAGE_RENDERED, () => this.rendered());
    on(Enums.Events.VOI_MODIFIED, () => this.windowMoved());
    on(ToolEnums.Events.MOUSE_DRAG, (event) => this.dragged(event));
    on(ToolEnums.Events.TOUCH_DRAG, () => this.touched());
    on(Enums.Events.IMAGE_LOAD_ERROR, (event) => this.loadError(event), eventTarget as unknown as EventTarget);
    on(Enums.Events.WEBGL_CONTEXT_LOST, () => this.fail(new Error("context lost"), GRAPHICS_LOST), eventTarget as never);
  }

  close(): void {
    this.forget();
    this.listening.abort();
    this.engine.disable(this.id);
  }

  /** Another series, or none. The image before it is gone at once. */
  async open(ref: SeriesRef | null): Promise<void> {
    this.forget();
    this.cover();
    if (!ref) {
      this.say(NOTHING);
      return;
    }
    const asked = ++this.asked;
    this.say({ ...NOTHING, state: "loading", words: "Loading the image." });
    try {
      const stack = await loadStack(ref, this.fetching.signal);
      if (asked !== this.asked) return;
      registerMetadata(stack);
      this.begin(stack);
    } catch (problem) {
      if (asked === this.asked) this.fail(problem, "", () => this.open(ref));
    }
  }

  /** The image at this index, whether it is there already or must be fetched. */
  async show(index: number): Promise<void> {
    const { images } = this;
    const stack = this.view.stack;
    const wanted = stack?.images[index];
    if (!images || !stack || !wanted) return;
    const asked = ++this.asked;
    window.clearTimeout(this.retry);
    this.target = index;
    if (!images.isLoaded(index)) {
      this.cover();
      this.say({ state: "loading", words: `Loading ${imageWords(stack, index)}.`, image: null, index });
    }
    try {
      await images.want(index);
      if (asked !== this.asked) return;
      images.around(index);
      await this.display(stack, index);
      this.retries = 0;
    } catch (problem) {
      if (asked === this.asked) this.fail(problem, "", () => this.show(index));
    }
  }

  /** By the wheel: passes over what has not been loaded yet. */
  scroll(slices: number): void {
    const { images } = this;
    if (!images || !slices) return;
    const to = wheelTarget(this.target, slices, images.count, (at) => images.isLoaded(at) || images.hasFailed(at));
    if (to === null) images.around(Math.min(images.count - 1, Math.max(0, this.target + slices)));
    else if (to !== this.target) void this.show(to);
  }

  /** Goes to the box's image, and moves the image until the box can be seen. Another series' box changes nothing. */
  async showBox(box: MarkedBox): Promise<void> {
    const images = this.view.stack?.images ?? [];
    const index = images.findIndex((image) => image.sopInstanceUid === box.sopInstanceUid && image.frame === box.frame);
    if (index < 0) return;
    if (index !== this.target || this.view.state !== "shown") await this.show(index);
    const { toPane } = this.view;
    if (!toPane || this.view.state !== "shown") return;
    const { x, y } = apply(toPane, { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2 });
    const { clientWidth, clientHeight } = this.viewport.element;
    if (x < 0 || y < 0 || x > clientWidth || y > clientHeight) this.pan(clientWidth / 2 - x, clientHeight / 2 - y);
  }

  windowPreset(n: number): void {
    const image = this.viewport.getCornerstoneImage();
    if (!image || this.view.state !== "shown") return;
    const preset = presetsOf(this.view.stack?.modality ?? "")[n - 1];
    if (n !== 0 && !preset) return;
    this.presetName = preset?.name ?? "as sent";
    this.asSent(); // each preset stands on the window as sent, never on the one before it
    if (preset) {
      const whole = { lower: image.minPixelValue, upper: image.maxPixelValue };
      this.viewport.setProperties({ voiRange: preset.range(this.range(), whole) });
    }
    this.viewport.render();
  }

  invert(): void {
    this.say({ inverted: !this.view.inverted });
    this.applyInverted();
    this.viewport.render();
  }

  flip(): void {
    const flipped = !this.view.flipped;
    this.viewport.setCamera({ flipHorizontal: flipped });
    this.say({ flipped });
    this.viewport.render();
  }

  zoom(factor: number): void {
    this.fitted = false;
    this.viewport.setZoom(Math.min(40, Math.max(0.2, this.viewport.getZoom() * factor)));
    this.viewport.render();
  }

  pan(dx: number, dy: number): void {
    this.fitted = false;
    const [x, y] = this.viewport.getPan();
    this.viewport.setPan([x + dx, y + dy]);
    this.viewport.render();
  }

  fit(): void {
    const { flipped } = this.view;
    this.fitted = true;
    this.viewport.resetCamera();
    if (flipped) this.viewport.setCamera({ flipHorizontal: true });
    this.viewport.render();
  }

  /** As it was opened: window, inversion, flip, zoom and place. */
  reset(): void {
    if (!this.stackSet) return;
    this.say({ flipped: false, inverted: false });
    this.fitted = true;
    this.viewport.resetCamera();
    this.viewport.setCamera({ flipHorizontal: false });
    this.presetName = "as sent";
    this.asSent();
    this.viewport.render();
  }

  current(): View {
    return this.view;
  }

  /** The pane's size has changed, and Cornerstone knows. */
  resized(): void {
    if (this.view.state !== "shown") return;
    if (this.fitted) this.fit();
    else this.viewport.render();
  }

  private begin(stack: Stack): void {
    this.images = new Images(stack.images, this.engine.cpu, () => this.progress());
    this.say({ stack, loaded: this.images.loaded() });
    if (stack.images.length) void this.show(opensAt(stack));
    else this.say({ state: "failed", words: "This series holds no image that can be shown." });
  }

  private async display(stack: Stack, index: number): Promise<void> {
    if (this.stackSet) {
      await this.viewport.setImageIdIndex(index);
    } else {
      this.stackSet = true;
      await this.viewport.setStack(
        stack.images.map((image) => image.imageId),
        index,
      );
      this.viewport.resetCamera(); // Cornerstone keeps zoom and place of the series before
    }
    if (this.view.inverted) this.applyInverted();
    this.viewport.render();
  }

  /** Cornerstone has drawn: whatever it drew, it stays covered unless it is what was asked for. */
  private rendered(): void {
    const stack = this.view.stack;
    const drawn = this.viewport.getCornerstoneImage()?.imageId;
    const index = stack ? stack.images.findIndex((image) => image.imageId === drawn) : -1;
    const image = stack?.images[index];
    if (!stack || !image || !this.stackSet) return this.cover();
    const shown = this.view.state === "shown";
    if (index !== this.target && !shown) return;
    this.uncover();
    this.say({
      state: "shown",
      words: imageWords(stack, index) + (this.engine.cpu ? ". Drawn without graphics acceleration: slower." : ""),
      image,
      index,
      window: windowText(this.range(), this.presetName),
      zoom: this.viewport.getZoom(),
      toPane: this.sourceToPane(image),
    });
  }

  private progress(): void {
    if (!this.images) return;
    const { images } = this;
    this.say({ loaded: images.loaded(), failed: Array.from({ length: images.count }, (_, at) => images.hasFailed(at)) });
  }

  private loadError(event: Event): void {
    const { imageId, error } = (event as CustomEvent<{ imageId?: string; error?: unknown }>).detail ?? {};
    if (imageId && imageId === this.view.stack?.images[this.target]?.imageId) this.fail(error, "");
  }

  private fail(problem: unknown, words: string, again?: () => Promise<void>): void {
    this.cover();
    this.say({ state: "failed", words: words || whyNoImage(problem), image: null, index: this.target, toPane: null });
    if (!again || !mayPass(problem)) return;
    const wait = RETRY_AFTER[Math.min(this.retries++, RETRY_AFTER.length - 1)];
    this.retry = window.setTimeout(() => void again(), wait);
  }

  private forget(): void {
    this.asked += 1;
    window.clearTimeout(this.retry);
    this.fetching.abort();
    this.fetching = new AbortController();
    this.images?.stop();
    this.images = null;
    this.stackSet = false;
    this.presetName = "as sent";
    this.fitted = true;
    this.target = 0;
  }

  /** By the element itself, not by a class: no missing style sheet may uncover a wrong image. */
  private cover(): void {
    const canvas = this.viewport.canvas;
    canvas.style.visibility = "hidden";
    canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
  }

  private uncover(): void {
    this.viewport.canvas.style.visibility = "visible";
  }

  private range(): Range {
    return this.viewport.getProperties().voiRange ?? { lower: 0, upper: 0 };
  }

  private asSent(): void {
    this.viewport.resetProperties();
    this.applyInverted();
  }

  /** MONOCHROME1 is drawn inverted to begin with: `inverted` is against how the image was sent. */
  private applyInverted(): void {
    const sent = this.viewport.getCornerstoneImage()?.photometricInterpretation === "MONOCHROME1";
    this.viewport.setProperties({ invert: this.view.inverted !== sent });
  }

  /** The left button alone changes the window: then no preset's name belongs to it. Everything else moves the image. */
  private dragged(event: Event): void {
    const by = (event as CustomEvent<{ event?: MouseEvent }>).detail?.event;
    if (by?.buttons === 1 && !by.shiftKey) this.presetName = "";
    else this.fitted = false;
  }

  private touched(): void {
    this.presetName = "";
    this.fitted = false;
  }

  private windowMoved(): void {
    if (this.view.state !== "shown" || !this.stackSet) return;
    this.say({ window: windowText(this.range(), this.presetName) });
  }

  private sourceToPane(image: StackImage): Affine | null {
    const data = this.viewport.getImageData();
    if (!data) return null;
    const { origin, spacing, direction } = data;
    // On WebGL a whole index is the middle of a pixel, in Cornerstone's CPU rendering its corner.
    const corner = this.engine.cpu ? 0 : -0.5;
    const at = (x: number, y: number) => {
      const along = (axis: number) =>
        (origin[axis] ?? 0) +
        (direction[axis] ?? 0) * (x + corner) * spacing[0] +
        (direction[axis + 3] ?? 0) * (y + corner) * spacing[1];
      const [left, top] = this.viewport.worldToCanvas([along(0), along(1), along(2)]);
      return { x: left, y: top };
    };
    return throughCorners(image.columns, image.rows, at(0, 0), at(image.columns, 0), at(0, image.rows));
  }

  private say(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    this.onView(this.view);
  }
}

const GRAPHICS_LOST = "The graphics driver has stopped. Reload the page to see the image again.";
