import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listen } from "./api/live.ts";
import { HelpDialog } from "./keys/help_dialog.tsx";
import { ReadingPage } from "./reading/reading_page.tsx";
import { ended, principal, tokenOfLink, whoAmI } from "./session/session.ts";
import { SignIn, TokenForm } from "./session/sign_in.tsx";
import { Announcer } from "./ui/announce.tsx";
import { runClock } from "./ui/clock.ts";
import { Dialog } from "./ui/dialog.tsx";
import { Header } from "./ui/header.tsx";
import { Marks } from "./ui/marks.tsx";
import { follow, place } from "./ui/route.ts";
import { Worklist } from "./worklist/worklist.tsx";
import "./ui/theme.ts";

const linkToken = signal(tokenOfLink());


export function App() {
  useEffect(() => {
    runClock();
    void whoAmI();
    // The printed link, opened in a tab that is here already.
    const linked = () => (linkToken.value = tokenOfLink() || linkToken.value);
    addEventListener("hashchange", linked);
    return () => removeEventListener("hashchange", linked);
  }, []);
  const signedIn = principal.value !== null;
  useEffect(() => {
    if (signedIn) listen();
  }, [signedIn]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Marks />
      {signedIn ? <Page /> : <Gate />}
      <HelpDialog />
      {ended.value && <SignInAgain />}
      <Announcer />
    </>
  );
}

function Gate() {
  return (
    <>
      <Header />
      <SignIn key={linkToken.value} linkToken={linkToken.value} />
    </>
  );
}

function Page() {
  const at = place.value;
  if (at.page === "reading") return <ReadingPage key={at.studyUid} studyUid={at.studyUid} />;
  return (
    <>
      <Header />
      {at.page === "worklist" ? <Worklist /> : <Nowhere />}
    </>
  );
}

function Nowhere() {
  return (
    <main class="empty" id="main">
      <h1>There is nothing at this address</h1>
      <a href="/" onClick={(event) => follow(event, "/")}>
        Go to the worklist
      </a>
    </main>
  );
}

/** Over the page, so that nothing that is open is lost. */
function SignInAgain() {
  return (
    <Dialog title="Your session has ended" onClose={() => (ended.value = false)}>
      <p>What you did is still on this page. Sign in again and it is saved.</p>
      <TokenForm linkToken="" done={() => (ended.value = false)} />
    </Dialog>
  );
}
