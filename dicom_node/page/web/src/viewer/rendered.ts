/** Images whose colours the node works out: fetched as it renders them, shown as they come. */

import { Enums, type Types, utilities } from "@cornerstonejs/core";

const SCHEME = "rendered:";

export function loadRendered(imageId: string, options: { useRGBA?: boolean } = {}): { promise: Promise<Types.IImage> } {
  return { promise: fetchRendered(imageId, options.useRGBA ?? false) };
}

async function fetchRendered(imageId: string, rgba: boolean): Promise<Types.IImage> {
  const answer = await fetch(`${imageId.slice(SCHEME.length)}/rendered`, { headers: { Accept: "image/png, image/jpeg" } });
  if (!answer.ok) throw answer;
  const picture = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  return imageOf(imageId, pixelsOf(picture), picture.width, picture.height, rgba);
}

function pixelsOf(picture: ImageBitmap): Uint8ClampedArray {
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas to decode on");
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height).data;
}

function imageOf(imageId: string, pixels: Uint8ClampedArray, width: number, height: number, rgba: boolean): Types.IImage {
  const components = rgba ? 4 : 3;
  const scalarData = rgba ? new Uint8Array(pixels) : withoutAlpha(pixels);
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({ scalarData, width, height, numberOfComponents: components });
  const image = {
    imageId,
    dataType: "Uint8Array",
    color: true,
    rgba,
    rows: height,
    columns: width,
    height,
    width,
    numberOfComponents: components,
    columnPixelSpacing: 1,
    rowPixelSpacing: 1,
    intercept: 0,
    slope: 1,
    invert: false,
    minPixelValue: 0,
    maxPixelValue: 255,
    windowCenter: 128,
    windowWidth: 256,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    photometricInterpretation: "RGB",
    sizeInBytes: scalarData.byteLength,
    voxelManager,
    getPixelData: () => voxelManager.getScalarData(),
    getCanvas: () => canvasOf(pixels, width, height),
  };
  sizes.set(imageId, { width, height });
  return image as unknown as Types.IImage;
}

function canvasOf(pixels: Uint8ClampedArray, width: number, height: number): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
  return canvas;
}

function withoutAlpha(pixels: Uint8ClampedArray): Uint8Array {
  const out = new Uint8Array((pixels.length / 4) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) {
    out[to] = pixels[from] ?? 0;
    out[to + 1] = pixels[from + 1] ?? 0;
    out[to + 2] = pixels[from + 2] ?? 0;
  }
  return out;
}

const sizes = new Map<string, { width: number; height: number }>();

/** What Cornerstone asks of an image that no DICOM decoder has seen. */
export function renderedMetadata(type: string, imageId: unknown): unknown {
  const size = typeof imageId === "string" ? sizes.get(imageId) : undefined;
  if (!size) return undefined;
  const { MetadataModules } = Enums;
  if (type === MetadataModules.IMAGE_PIXEL) {
    const depth = { bitsAllocated: 8, bitsStored: 8, highBit: 7, pixelRepresentation: 0 };
    return { ...depth, samplesPerPixel: 3, photometricInterpretation: "RGB", rows: size.height, columns: size.width };
  }
  if (type === MetadataModules.IMAGE_PLANE) {
    return {
      rows: size.height,
      columns: size.width,
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      imagePositionPatient: [0, 0, 0],
      pixelSpacing: [1, 1],
      rowPixelSpacing: 1,
      columnPixelSpacing: 1,
      usingDefaultValues: true,
    };
  }
  if (type === MetadataModules.VOI_LUT) return { windowCenter: [128], windowWidth: [256] };
  if (type === MetadataModules.GENERAL_SERIES) return { modality: "OT" };
  return undefined;
}
