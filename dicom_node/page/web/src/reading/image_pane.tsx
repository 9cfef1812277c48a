import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ViewerCommands, ViewerProps } from "../viewer/types.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { counted, day } from "../words/wording.ts";
import { focusFinding } from "./acts.ts";
import { showPrior } from "./priors.ts";
import { owner, type Room, withImages } from "./room.ts";

/** The viewer is large and comes after the page: the worklist never waits for it. */
const viewer = signal<ComponentType<ViewerProps> | null>(null);
const viewerTrouble = signal(false);

async function loadViewer(): Promise<void> {
  try {
    const loaded = await import("../viewer/index.tsx");
    viewer.value = loaded.default;
  } catch {
    viewerTrouble.value = true;
  }
}

export function ImagePane({ room }: { room: Room }) {
  useEffect(() => {
    if (!viewer.value) void loadViewer();
  }, []);
  return (
    <section class="image-pane" aria-label="Image">
      {room.drawing.value ? <DrawingBar room={room} /> : <Toolbar room={room} />}
      <div class="film">{film(room)}</div>
      <p class="visually-hidden" role="status">
        {room.status.value?.words}
      </p>
    </section>
  );
}

function film(room: Room) {
  const study = room.study.value;
  if (viewerTrouble.value) return <p class="words">The image viewer did not load. Reload the page.</p>;
  if (study && !room.series.value) return <p class="words">This study holds no image that can be shown.</p>;
  const Viewer = viewer.value;
  if (!Viewer || !study) return <p class="words">Loading the image …</p>;
  return (
    <Viewer
      main={room.series.value}
      prior={room.prior.value}
      boxes={room.boxes.value}
      selected={selectedBox(room)}
      boxesVisible={room.boxesVisible.value}
      drawing={room.drawing.value !== null}
      onSelect={(id) => {
        room.desk.value?.select(owner(id));
        focusFinding(owner(id));
      }}
      onBoxDrawn={(box) => room.drawn(box)}
      onStatus={(status) => (room.status.value = status)}
      commands={(commands) => (room.commands.value = commands)}
    />
  );
}

function selectedBox(room: Room): string | null {
  const selected = room.desk.value?.selected.value;
  return room.boxes.value.find((it) => owner(it.id) === selected)?.id ?? null;
}

interface Tool {
  icon: IconName;
  words: string;
  key: string;
  run(commands: ViewerCommands): void;
}

const TOOLS: readonly Tool[] = [
  { icon: "zoomIn", words: "Zoom in", key: "+", run: (it) => it.zoom(1.25) },
  { icon: "zoomOut", words: "Zoom out", key: "-", run: (it) => it.zoom(0.8) },
  { icon: "fit", words: "Fit", key: "f", run: (it) => it.fit() },
  { icon: "invert", words: "Invert", key: "i", run: (it) => it.invert() },
  { icon: "flip", words: "Flip left and right", key: "h", run: (it) => it.flip() },
  { icon: "length", words: "Measure a length", key: "l", run: (it) => it.length() },
  { icon: "reset", words: "Reset the image", key: "", run: (it) => it.reset() },
];

function Toolbar({ room }: { room: Room }) {
  const status = room.status.value;
  const pressed: Record<string, boolean | undefined> = { invert: status?.inverted, flip: status?.flipped };
  return (
    <div class="toolbar" role="toolbar" aria-label="Image tools">
      <Presets room={room} />
      {TOOLS.map(({ icon, words, key, run }) => (
        <button
          type="button"
          class="plain square"
          key={icon}
          aria-label={words}
          aria-pressed={pressed[icon]}
          title={key ? `${words} (${key})` : words}
          disabled={!room.commands.value}
          onClick={() => room.commands.value && run(room.commands.value)}
        >
          <Icon name={icon} />
        </button>
      ))}
      <BoxSwitch room={room} />
      <span class="push" />
      <SeriesChoice room={room} />
      <PriorChoice room={room} />
    </div>
  );
}

function BoxSwitch({ room }: { room: Room }) {
  const visible = room.boxesVisible.value;
  return (
    <button
      type="button"
      class="plain"
      aria-pressed={visible}
      title="Hide or show boxes (b; hold to peek)"
      onClick={() => (room.boxesVisible.value = !visible)}
    >
      <Icon name="box" /> Boxes
    </button>
  );
}

function Presets({ room }: { room: Room }) {
  return (
    <label class="inline">
      <span class="visually-hidden">Window</span>
      <select
        disabled={!room.commands.value}
        title="Window (0 to 5)"
        value=""
        onChange={(event) => {
          room.commands.value?.windowPreset(Number(event.currentTarget.value));
          event.currentTarget.value = "";
        }}
      >
        <option value="" hidden>
          {room.status.value?.window || "Window"}
        </option>
        <option value="0">As sent (0)</option>
        {[1, 2, 3, 4, 5].map((it) => (
          <option key={it} value={String(it)}>{`Preset ${it}`}</option>
        ))}
      </select>
    </label>
  );
}

function SeriesChoice({ room }: { room: Room }) {
  const study = room.study.value;
  const all = study ? withImages(study) : [];
  if (!study || all.length < 2) return null;
  return (
    <label class="inline">
      Series
      <select
        value={room.series.value?.seriesUid ?? ""}
        onChange={(event) => (room.series.value = { studyUid: study.study_uid, seriesUid: event.currentTarget.value })}
      >
        {all.map((it) => (
          <option key={it.series_uid} value={it.series_uid}>
            {[it.number ?? "", it.modality, it.description].filter(Boolean).join(" ")} ({counted(it.instances.length, "image")})
          </option>
        ))}
      </select>
    </label>
  );
}

function PriorChoice({ room }: { room: Room }) {
  const priors = room.study.value?.priors.filter((it) => it.images > 0) ?? [];
  if (priors.length === 0) return <span class="quiet">No prior here</span>;
  return (
    <label class="inline">
      <Icon name="columns" /> Prior
      <select
        value={room.prior.value?.studyUid ?? ""}
        onChange={(event) => {
          const uid = event.currentTarget.value;
          if (uid) void showPrior(room, uid);
          else room.prior.value = null;
        }}
      >
        <option value="">None</option>
        {priors.map((it) => (
          <option key={it.study_uid} value={it.study_uid}>
            {day(it.study_date)} {it.modalities.join(", ")} {it.description}
          </option>
        ))}
      </select>
    </label>
  );
}

/** In box mode it stands in the toolbar's place: the image keeps its size. */
function DrawingBar({ room }: { room: Room }) {
  const bar = useRef<HTMLDivElement>(null);
  const take = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const [here, drawing] = [bar.current, room.drawing.value];
    take.current?.focus();
    return () => {
      // Unless what takes the box has moved the focus on already.
      if (here?.contains(document.activeElement)) drawing?.back();
    };
  }, []);
  return (
    <div ref={bar} class="toolbar drawing" role="group" aria-label="Draw a box">
      <Icon name="box" />
      <span>{room.drawing.value?.words} Drag, or move with the arrows and size with Shift and arrows.</span>
      <span class="push" />
      <button type="button" ref={take} onClick={() => room.commands.value?.finishDrawing()}>
        Take the box <kbd aria-hidden="true">Enter</kbd>
      </button>
      <button type="button" onClick={() => room.leaveDrawing()}>
        Leave <kbd aria-hidden="true">Esc</kbd>
      </button>
    </div>
  );
}
