import { useLayoutEffect, useRef } from "preact/hooks";
import { liveState } from "../api/live.ts";
import { onKeys } from "../keys/listening.ts";
import { Icon } from "../ui/icon.tsx";
import { banner } from "../ui/marks.tsx";
import { go } from "../ui/route.ts";
import { counted } from "../words/wording.ts";
import { Row } from "./row.tsx";
import { choice, find, keepUpToDate, known, listed, load, next, selected, trouble } from "./state.ts";
import { type Column, counts, type Filter, FILTERS, modalities, turned } from "./view.ts";

const HEADS: [Column | null, string][] = [
  ["state", "State"],
  ["patient", "Patient"],
  [null, "Born, sex"],
  ["modality", "Modality"],
  ["study", "Study"],
  ["waiting", "Waiting"],
  [null, "Warnings"],
  ["report", "Report"],
];

/** Every study that this node holds: what waits, what is drafted, what is signed. */
export function Worklist() {
  const search = useRef<HTMLInputElement>(null);
  // The keys work from the first thing that is on the screen.
  useLayoutEffect(() => {
    document.title = "Worklist · medvlm";
    banner.value = null;
    void load();
    const stop = keepUpToDate();
    const away = onKeys("worklist", () => ({
      next: () => step(1),
      previous: () => step(-1),
      open: () => selected.value && go(`/read/${selected.value}`),
      search: () => search.current?.focus(),
      escape: () => search.current?.blur(),
    }));
    return () => {
      stop();
      away();
    };
  }, []);
  return (
    <main class="worklist" id="main">
      <div class="worklist-top">
        <h1>Worklist</h1>
        <Live />
        <Search field={search} />
        <ModalityChoice />
      </div>
      <Filters />
      {trouble.value && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {trouble} <button type="button" onClick={() => void load()}>Try again</button>
        </p>
      )}
      <Table />
    </main>
  );
}

function step(by: 1 | -1): void {
  const rows = listed.value;
  const at = rows.findIndex((it) => it.study_uid === selected.value);
  const to = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
  if (!to) return;
  selected.value = to.study_uid;
  document.getElementById(`study-${to.study_uid}`)?.querySelector<HTMLElement>("a")?.focus();
}

function Live() {
  const words = { connecting: "Connecting …", live: "Live", away: "The node does not answer; trying again" }[liveState.value];
  return (
    <p class={`live ${liveState.value}`} role="status">
      <span class="dot" aria-hidden="true" />
      {words}
    </p>
  );
}

function Search({ field }: { field: { current: HTMLInputElement | null } }) {
  const timer = useRef(0);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="visually-hidden">Search by name, patient ID, accession or description</span>
      <input
        ref={field}
        type="search"
        placeholder="Name, ID, accession, description"
        autocomplete="off"
        value={choice.value.text}
        onInput={(event) => {
          const text = event.currentTarget.value;
          choice.value = { ...choice.value, text };
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => void find(text), 300);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

function ModalityChoice() {
  return (
    <label class="inline">
      Modality
      <select
        value={choice.value.modality}
        onChange={(event) => (choice.value = { ...choice.value, modality: event.currentTarget.value })}
      >
        <option value="">All</option>
        {modalities(known.value ?? []).map((it) => (
          <option key={it}>{it}</option>
        ))}
      </select>
    </label>
  );
}

function Filters() {
  const found = counts(known.value ?? []);
  return (
    <div class="filters" role="group" aria-label="Show">
      {(Object.keys(FILTERS) as Filter[]).map((it) => (
        <button
          type="button"
          key={it}
          aria-pressed={choice.value.filter === it}
          onClick={() => (choice.value = { ...choice.value, filter: it })}
        >
          {FILTERS[it]} <span class="count">{found[it]}</span>
        </button>
      ))}
    </div>
  );
}

function Table() {
  if (known.value === null) return trouble.value ? null : <p class="empty">Asking the node for its studies …</p>;
  if (listed.value.length === 0) return <Empty />;
  return (
    <div class="scroller" tabIndex={0} role="region" aria-label="Studies">
      <table>
        <thead>
          <tr>
            {HEADS.map(([column, words]) => (
              <Head key={words} column={column} words={words} />
            ))}
          </tr>
        </thead>
        <tbody>
          {listed.value.map((it) => (
            <Row key={it.study_uid} study={it} selected={selected.value === it.study_uid} />
          ))}
        </tbody>
      </table>
      <p class="foot">
        {counted(listed.value.length, "study", "studies")} shown
        {next.value && <button type="button" onClick={() => void load(next.value)}>Show older ones</button>}
      </p>
    </div>
  );
}

function Head({ column, words }: { column: Column | null; words: string }) {
  if (!column) return <th scope="col">{words}</th>;
  const { order } = choice.value;
  const sort = order.column !== column ? "none" : order.down ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={sort}>
      <button type="button" class="plain" onClick={() => (choice.value = { ...choice.value, order: turned(order, column) })}>
        {words}
        {sort !== "none" && <Icon name={order.down ? "down" : "up"} />}
      </button>
    </th>
  );
}

function Empty() {
  const filtered = (known.value ?? []).length > 0;
  if (!filtered)
    return (
      <div class="empty">
        <h2>No study has arrived yet</h2>
        <p>Send one from a modality or a PACS to this node by DICOM C-STORE; it appears here by itself.</p>
        <p class="quiet">
          The address and AE title stand in the node's settings; <code>dicom-node demo</code> sends a sample.
        </p>
      </div>
    );
  return (
    <div class="empty">
      <h2>No study matches</h2>
      <button type="button" onClick={() => (choice.value = { ...choice.value, filter: "all", modality: "", text: "" })}>
        Show all studies
      </button>
    </div>
  );
}
