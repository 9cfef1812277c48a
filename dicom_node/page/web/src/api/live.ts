/**
 * One stream of events a browser, shared by its tabs: a host grants few connections (HTTP/1.1: six).
 *
 * The tab that holds the lock listens and passes on; where a browser grants no locks, each tab listens for itself.
 */

import { signal } from "@preact/signals";
import { eventsUrl } from "./client.ts";
import type { ReportChange, StudySummary } from "./types.ts";

export type LiveState = "connecting" | "live" | "away";
type Told =
  | { kind: "study"; data: StudySummary }
  | { kind: "report"; data: ReportChange }
  | { kind: "state"; data: LiveState }
  /** More has happened than the node remembers: everything is fetched anew. */
  | { kind: "reset"; data: null };

export const liveState = signal<LiveState>("connecting");
const hearers = new Set<(told: Told) => void>();

export interface Hearer {
  study?(it: StudySummary): void;
  report?(it: ReportChange): void;
  reset?(): void;
}

/** Calls back on every change; returns how to stop. */
export function onChange(hearer: Hearer): () => void {
  const hear = (told: Told) => {
    if (told.kind === "study") hearer.study?.(told.data);
    if (told.kind === "report") hearer.report?.(told.data);
    if (told.kind === "reset") hearer.reset?.();
  };
  hearers.add(hear);
  return () => hearers.delete(hear);
}

export function listen(): void {
  const channel = new BroadcastChannel("medvlm-events");
  channel.onmessage = (message: MessageEvent<Told | { kind: "ask" }>) => {
    if (message.data.kind !== "ask") tell(message.data);
  };
  const lead = () =>
    new Promise<never>(() => {
      const passOn = (told: Told) => {
        tell(told);
        channel.postMessage(told);
      };
      channel.addEventListener("message", (message: MessageEvent<{ kind: string }>) => {
        if (message.data.kind === "ask") channel.postMessage({ kind: "state", data: liveState.value });
      });
      connect(passOn);
    });
  channel.postMessage({ kind: "ask" });
  if (navigator.locks) void navigator.locks.request("medvlm-events", lead);
  else void lead();
}

function tell(told: Told): void {
  if (told.kind === "state") liveState.value = told.data;
  for (const hear of hearers) hear(told);
}

function connect(passOn: (told: Told) => void): void {
  const source = new EventSource(eventsUrl);
  source.onopen = () => passOn({ kind: "state", data: "live" });
  source.onerror = () => {
    passOn({ kind: "state", data: "away" });
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(passOn), 5000);
  };
  source.addEventListener("reset", () => passOn({ kind: "reset", data: null }));
  for (const kind of ["study", "report"] as const)
    source.addEventListener(kind, (event) => passOn({ kind, data: JSON.parse((event as MessageEvent<string>).data) }));
}
