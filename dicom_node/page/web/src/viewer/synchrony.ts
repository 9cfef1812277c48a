/** A prior that scrolls along: as many millimetres as the current study, from where both were last lined up. */

import type { Pane, View } from "./pane.ts";
import type { Stack } from "./series.ts";

export class Synchrony {
  private mainView: View | null = null;
  private priorView: View | null = null;
  /** How far the prior lies from the current image; null until both are shown. */
  private offset: number | null = null;
  private expected: string | null = null;

  /** Another image of the current study is on the screen: the prior goes along. */
  main(view: View | null, prior: Pane | null): void {
    this.mainView = view;
    const stack = prior?.current().stack;
    if (!view?.image || !prior || !stack || stack.images.length < 2 || this.offset === null) return this.lineUp();
    const index = nearest(stack, placeOf(view) + this.offset, inMillimetres(view, prior.current()));
    const image = stack.images[index];
    if (!image || index === prior.current().index) return;
    this.expected = image.imageId;
    void prior.show(index);
  }

  /** The prior moved: along with the current one, or by itself, which lines both up anew. */
  prior(view: View | null): void {
    this.priorView = view;
    if (view?.image && view.image.imageId === this.expected) return;
    this.expected = null;
    this.lineUp();
  }

  private lineUp(): void {
    const { mainView, priorView } = this;
    if (!mainView?.image || !priorView?.image) {
      this.offset = null;
      return;
    }
    this.offset = inMillimetres(mainView, priorView)
      ? (priorView.image.along ?? 0) - (mainView.image.along ?? 0)
      : priorView.index - mainView.index;
  }
}

function placeOf(view: View): number {
  return view.image?.along ?? view.index;
}

function inMillimetres(main: View, prior: View): boolean {
  return [main, prior].every((view) => view.stack?.images.every((image) => image.along !== null) ?? false);
}

function nearest(stack: Stack, place: number, millimetres: boolean): number {
  const distances = stack.images.map((image, index) => Math.abs((millimetres ? (image.along ?? 0) : index) - place));
  return distances.indexOf(Math.min(...distances));
}
