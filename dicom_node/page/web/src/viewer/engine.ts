/** Cornerstone3D, started once a page: rendering, tools, decoders. */

import {
  Enums as CoreEnums,
  RenderingEngine,
  type Types,
  cache,
  imageLoader,
  imageRetrievalPoolManager,
  init as initCore,
  metaData,
  getShouldUseCPURendering,
} from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import {
  Enums as ToolEnums,
  PanTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
  addTool,
  init as initTools,
} from "@cornerstonejs/tools";
import { checkedFrame } from "./frames.ts";
import type { Dataset } from "./dicom_json.ts";
import { bearable } from "./metadata.ts";
import { PREFETCH_CONNECTIONS } from "./prefetch.ts";
import { loadRendered, renderedMetadata } from "./rendered.ts";
import type { Stack } from "./series.ts";

const CACHE_BYTES = 1_500_000_000;
const TOOL_GROUP = "reading";

export type ViewportId = "main" | "prior";

export interface Engine {
  /** True where there is no WebGL: slower, and said in the status. */
  cpu: boolean;
  enable(id: ViewportId, element: HTMLDivElement): Types.IStackViewport;
  disable(id: ViewportId): void;
  resize(): void;
}

let started: Engine | null = null;

/** The page's engine. Cornerstone keeps its own state a page, so a second start gives the first one. */
export function engine(): Engine {
  started ??= start();
  return started;
}

export function registerMetadata(stack: Stack): void {
  const cleaned = new Map<Dataset, Dataset>();
  for (const { imageId, dataset } of stack.images) {
    if (!imageId.startsWith("wadors:")) continue;
    const own = cleaned.get(dataset) ?? bearable(dataset);
    cleaned.set(dataset, own);
    wadors.metaDataManager.add(imageId, own as never);
  }
}

function start(): Engine {
  initCore({ rendering: { webGlContextCount: 2 } } as never);
  initTools();
  initLoader({
    maxWebWorkers: Math.max(1, Math.min(4, Math.floor((navigator.hardwareConcurrency || 2) / 2))),
    beforeProcessing: checkedFrame,
  } as never);
  imageLoader.registerImageLoader("rendered", loadRendered as never);
  metaData.addProvider(renderedMetadata, 1000);
  cache.setMaxCacheSize(CACHE_BYTES);
  imageRetrievalPoolManager.setMaxSimultaneousRequests(CoreEnums.RequestType.Prefetch, PREFETCH_CONNECTIONS);
  imageRetrievalPoolManager.setMaxSimultaneousRequests(CoreEnums.RequestType.Interaction, 2);
  const tools = mouseTools();
  const rendering = new RenderingEngine("page");
  return {
    cpu: getShouldUseCPURendering(),
    enable(id, element) {
      rendering.enableElement({
        viewportId: id,
        element,
        type: CoreEnums.ViewportType.STACK,
        defaultOptions: { background: [0, 0, 0] },
      });
      tools.addViewport(id, rendering.id);
      return rendering.getViewport(id) as Types.IStackViewport;
    },
    disable(id) {
      tools.removeViewports(rendering.id, id);
      rendering.disableElement(id);
    },
    resize: () => rendering.resize(true, true),
  };
}

/** Left: window and level. Middle, or left with Shift: pan. Right, or two fingers: zoom. */
function mouseTools() {
  for (const tool of [WindowLevelTool, PanTool, ZoomTool]) addTool(tool);
  const group = ToolGroupManager.createToolGroup(TOOL_GROUP);
  if (!group) throw new Error("Cornerstone's tool group was there before the viewer");
  const { Primary, Secondary, Auxiliary } = ToolEnums.MouseBindings;
  const Shift = ToolEnums.KeyboardBindings.Shift;
  const bindings = [
    { tool: WindowLevelTool, by: [{ mouseButton: Primary }, { numTouchPoints: 1 }] },
    { tool: PanTool, by: [{ mouseButton: Auxiliary }, { mouseButton: Primary, modifierKey: Shift }, { numTouchPoints: 3 }] },
    { tool: ZoomTool, by: [{ mouseButton: Secondary }, { numTouchPoints: 2 }] },
  ];
  for (const { tool, by } of bindings) {
    group.addTool(tool.toolName);
    group.setToolActive(tool.toolName, { bindings: by });
  }
  return group;
}
