/** The images of a stack: fetched outward from the one shown, each once, what is asked for before what is not. */

import { Enums, type Types, cache, imageLoader } from "@cornerstonejs/core";
import { FrameUnusable } from "./frames.ts";
import { PREFETCH_CONNECTIONS, outward } from "./prefetch.ts";
import type { StackImage } from "./series.ts";

const IN_FLIGHT = PREFETCH_CONNECTIONS + 2; // while some are decoded, others are fetched
const LONGEST_WAIT = 60_000;
/** So much of the cache may one stack fill: there are two. */
const CACHE_SHARE = 0.45;

export class Images {
  readonly count: number;
  private readonly images: readonly StackImage[];
  private readonly cpu: boolean;
  private readonly onChange: () => void;
  private readonly pending = new Map<number, Promise<Types.IImage>>();
  private readonly failures = new Map<number, unknown>();
  private middle = 0;
  private stopped = false;

  /** `onChange` is called when an image was loaded, or failed. */
  constructor(images: readonly StackImage[], cpu: boolean, onChange: () => void) {
    this.images = images;
    this.cpu = cpu;
    this.onChange = onChange;
    this.count = images.length;
  }

  isLoaded(index: number): boolean {
    const image = this.images[index];
    return image !== undefined && cache.isLoaded(image.imageId);
  }

  hasFailed(index: number): boolean {
    return this.failures.has(index);
  }

  loaded(): boolean[] {
    return this.images.map((_, index) => this.isLoaded(index));
  }

  /** The image, fetched now unless it is there. One that failed before is tried again. */
  want(index: number): Promise<Types.IImage> {
    this.failures.delete(index);
    return this.start(index, Enums.RequestType.Interaction);
  }

  /** Fetch what is missing, outward from here. */
  around(index: number): void {
    this.middle = index;
    this.next();
  }

  stop(): void {
    this.stopped = true;
  }

  private next(): void {
    if (this.stopped || this.pending.size >= IN_FLIGHT) return;
    const wanted = outward(this.middle, this.count).slice(0, this.capacity());
    for (const index of wanted) {
      if (this.pending.size >= IN_FLIGHT) return;
      if (this.isLoaded(index) || this.pending.has(index) || this.failures.has(index)) continue;
      this.start(index, Enums.RequestType.Prefetch).catch(() => {}); // kept in `failures`
    }
  }

  private capacity(): number {
    const image = this.images[0];
    const bytes = image ? image.rows * image.columns * 4 : 1;
    return Math.max(8, Math.floor((cache.getMaxCacheSize() * CACHE_SHARE) / bytes));
  }

  private start(index: number, requestType: Enums.RequestType): Promise<Types.IImage> {
    const running = this.pending.get(index);
    if (running) return running;
    const loading = this.load(index, requestType).then(
      (image) => this.settled(index, () => image),
      (problem: unknown) =>
        this.settled(index, () => {
          this.failures.set(index, problem);
          throw problem;
        }),
    );
    this.pending.set(index, loading);
    return loading;
  }

  private settled(index: number, result: () => Types.IImage): Types.IImage {
    this.pending.delete(index);
    try {
      return result();
    } finally {
      this.onChange();
      this.next();
    }
  }

  private async load(index: number, requestType: Enums.RequestType): Promise<Types.IImage> {
    const wanted = this.images[index];
    if (!wanted) throw new RangeError(`no image ${index}`);
    const there = cache.getImage(wanted.imageId);
    if (there) return there;
    const options = { priority: 0, requestType, useRGBA: this.cpu };
    const image = await inTime(imageLoader.loadImage(wanted.imageId, options) as Promise<Types.IImage>);
    requireWhole(image, wanted);
    if (!cache.isLoaded(wanted.imageId)) cache.putImageSync(wanted.imageId, image);
    return image;
  }
}

/** A decoder that never answers is a failure too. */
function inTime<T>(loading: Promise<T>): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new FrameUnusable("no image after a minute")), LONGEST_WAIT);
  });
  return Promise.race([loading, late]).finally(() => window.clearTimeout(timer));
}

/** As many pixels as the header says, or none. */
function requireWhole(image: Types.IImage, wanted: StackImage): void {
  const pixels = image.voxelManager?.getScalarDataLength?.() ?? image.getPixelData().length;
  const components = image.color ? image.numberOfComponents || 3 : 1;
  const whole = image.rows === wanted.rows && image.columns === wanted.columns;
  if (!whole || pixels !== wanted.rows * wanted.columns * components) {
    throw new FrameUnusable("the image holds fewer or more pixels than its header says");
  }
}
