/** One function a route. Every answer is JSON of `types.ts`; every failure a `Problem` or `Away`. */

import { Away, Problem } from "./problem.ts";
import type {
  AnswerRecord,
  Decision,
  Me,
  Narrative,
  Outgoing,
  OwnRead,
  Priority,
  Report,
  StudyDetail,
  StudyPage,
  StudySummary,
  Term,
  VersionEntry,
} from "./types.ts";

const ROOT = "/api/v1";

export interface Tagged<T> {
  value: T;
  etag: string;
}

export const studies = {
  list: async (cursor: string): Promise<{ studies: StudySummary[]; next: string }> => {
    const query = new URLSearchParams({ limit: "200" });
    if (cursor) query.set("cursor", cursor);
    const response = await call("GET", `${ROOT}/studies?${query}`);
    return { studies: ((await response.json()) as StudyPage).studies, next: nextCursor(response) };
  },
  /** Words go in the body: a patient's name is never part of an address. */
  search: (text: string) => json<StudyPage>("POST", `${ROOT}/studies/search`, { text }),
  get: (uid: string) => json<StudyDetail>("GET", `${ROOT}/studies/${uid}`),
  prioritise: (uid: string, priority: Priority) => done("PUT", `${ROOT}/studies/${uid}/priority`, { priority }),
  readAgain: (uid: string) => done("POST", `${ROOT}/studies/${uid}/readings`, {}, once()),
  reports: async (uid: string) => (await json<{ reports: Report[] }>("GET", `${ROOT}/studies/${uid}/reports`)).reports,
  answers: async (uid: string) =>
    (await json<{ answers: AnswerRecord[] }>("GET", `${ROOT}/studies/${uid}/questions`)).answers,
  suggestions: async (uid: string) =>
    (await json<{ questions: string[] }>("GET", `${ROOT}/studies/${uid}/suggestions`)).questions,
};

export const reports = {
  get: (id: string) => tagged("GET", report(id)),
  save: (id: string, etag: string, body: { decisions: Decision[]; narrative: Narrative | null }) =>
    tagged("PUT", report(id), body, { "If-Match": etag }),
  sign: (id: string, etag: string) => tagged("POST", `${report(id)}/sign`, {}, { "If-Match": etag, ...once() }),
  reject: (id: string, etag: string, reason: string) =>
    tagged("POST", `${report(id)}/reject`, { reason }, { "If-Match": etag, ...once() }),
  addend: (id: string, etag: string, text: string) =>
    tagged("POST", `${report(id)}/addenda`, { text }, { "If-Match": etag, ...once() }),
  outgoing: (id: string) => json<Outgoing>("GET", `${report(id)}/outgoing`),
  versions: async (id: string) => (await json<{ versions: VersionEntry[] }>("GET", `${report(id)}/versions`)).versions,
  version: (id: string, number: number) => json<Report>("GET", `${report(id)}/versions/${number}`),
  ownRead: (id: string, read: OwnRead) => tagged("POST", `${report(id)}/own-read`, read),
};

export const vocabulary = async (): Promise<Term[]> =>
  Object.values(await json<Record<string, Term>>("GET", `${ROOT}/vocabulary`));

export const session = {
  me: () => json<Me>("GET", "/auth/me"),
  open: (token: string, name: string, organisation: string) => done("POST", "/auth/session", { token, name, organisation }),
  /** Where the provider wants the browser for its own logout, or null. */
  close: async () => (await json<{ end_session: string | null }>("POST", "/auth/logout", {})).end_session,
};

/** A request, or `Problem` / `Away`. */
export async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const response = await reach(url, {
    method,
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal ?? null,
  });
  if (!response.ok) throw new Problem(response.status, await members(response));
  return response;
}

export function questionsOf(uid: string): string {
  return `${ROOT}/studies/${uid}/questions`;
}

export const eventsUrl = `${ROOT}/events`;

/** A key under which a repeated request is the same request. */
export function once(): Record<string, string> {
  return { "Idempotency-Key": [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-") };
}

async function reach(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Away();
  }
}

async function members(response: Response): Promise<Record<string, unknown>> {
  try {
    return (await response.json()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** For what answers nothing of use: its body is read all the same, so that the connection is free again. */
async function done(method: string, url: string, body: unknown, headers: Record<string, string> = {}): Promise<void> {
  await (await call(method, url, body, headers)).text();
}

async function json<T>(method: string, url: string, body?: unknown): Promise<T> {
  return (await (await call(method, url, body)).json()) as T;
}

async function tagged(
  method: string,
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Tagged<Report>> {
  const response = await call(method, url, body, headers);
  const value = (await response.json()) as Report;
  return { value, etag: response.headers.get("ETag") ?? `"${value.version}"` };
}

function report(id: string): string {
  return `${ROOT}/reports/${encodeURIComponent(id)}`;
}

/** The cursor of the `Link` header's next page (RFC 8288), or "". */
function nextCursor(response: Response): string {
  const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "")?.[1];
  return next ? (new URL(next, location.href).searchParams.get("cursor") ?? "") : "";
}
