import type { ComponentChildren } from "preact";
import { helpOpen } from "../keys/listening.ts";
import { principal, signOut } from "../session/session.ts";
import { personName } from "../words/wording.ts";
import { Icon } from "./icon.tsx";
import { follow } from "./route.ts";
import { theme } from "./theme.ts";

/** The top of every page: the way home, what is open, and the reader's own settings at one place. */
export function Header({ children }: { children?: ComponentChildren }) {
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <header class="top">
      <a class="home" href="/" onClick={(event) => follow(event, "/")} aria-label="medvlm, to the worklist">
        <Logo />
        <span>medvlm</span>
      </a>
      <div class="open">{children}</div>
      <div class="own">
        <button type="button" class="plain square" aria-label={`Use the ${other} look`} title={`Use the ${other} look`} onClick={() => (theme.value = other)}>
          <Icon name={theme.value === "dark" ? "sun" : "moon"} />
        </button>
        <button type="button" class="plain square" aria-label="Keys" title="Keys (?)" onClick={() => (helpOpen.value = true)}>
          <Icon name="keyboard" />
        </button>
        {principal.value && (
          <>
            <span class="who">
              <Icon name="person" />
              <bdi>{personName(principal.value.name)}</bdi>
            </span>
            <button type="button" class="plain square" aria-label="Sign out" title="Sign out" onClick={() => void signOut()}>
              <Icon name="leave" />
            </button>
          </>
        )}
      </div>
    </header>
  );
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1.5" y="1.5" width="17" height="17" rx="4" />
      <path d="M5 14V6l5 5 5-5v8" />
    </svg>
  );
}
