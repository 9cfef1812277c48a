/** Who reads here. */

import { computed, signal } from "@preact/signals";
import { session } from "../api/client.ts";
import { inWords } from "../api/problem.ts";
import type { Me } from "../api/types.ts";

export const me = signal<Me | null>(null);
export const problem = signal("");
/** A request found the session ended while work was open: the page asks again without losing it. */
export const ended = signal(false);

export const principal = computed(() => me.value?.principal ?? null);
export const mayEdit = computed(
  () => principal.value?.kind === "person" && principal.value.roles.includes("radiologist"),
);

export async function whoAmI(): Promise<void> {
  try {
    me.value = await session.me();
    problem.value = "";
    if (me.value.principal) ended.value = false;
  } catch (error) {
    problem.value = inWords(error);
  }
}

export async function signIn(token: string, name: string, organisation: string): Promise<void> {
  await session.open(token, name, organisation);
  await whoAmI();
}

/** Ends the session here, and at the provider where it asks for that. */
export async function signOut(): Promise<void> {
  location.assign((await session.close()) ?? "/");
}

const LOGIN_TROUBLE: Record<string, string> = {
  login_refused: "The login was refused. Try again, or ask who manages accounts.",
  login_expired: "The login took too long. Start it again.",
  provider_unavailable: "The organisation's login does not answer just now.",
};

/** What the login left behind in the address when it failed, in words. */
export function loginTrouble(): string {
  const code = new URLSearchParams(location.hash.slice(1)).get("login");
  if (!code) return "";
  history.replaceState(null, "", location.pathname);
  return LOGIN_TROUBLE[code] ?? "The login did not succeed. Try again.";
}

/** The token of the printed link, taken out of the address at once so that it stays in no history. */
export function tokenOfLink(): string {
  const url = new URL(location.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const token = fragment.get("token") ?? url.searchParams.get("token") ?? "";
  if (token) history.replaceState(null, "", url.pathname);
  return token;
}

/** A PN value of what a person typed: "Jane Roe" and "Roe, Jane" are Roe^Jane. */
export function asPersonName(typed: string): string {
  const clean = typed.replaceAll(/[\\^=]/g, " ").trim();
  const [family, given] = clean.includes(",") ? clean.split(",", 2) : [clean.split(/\s+/).at(-1), clean.split(/\s+/).slice(0, -1).join(" ")];
  return [family, given].map((part) => part?.trim()).filter(Boolean).join("^");
}
