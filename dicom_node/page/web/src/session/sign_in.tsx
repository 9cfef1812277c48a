import { useState } from "preact/hooks";
import { inWords } from "../api/problem.ts";
import { Icon } from "../ui/icon.tsx";
import { asPersonName, loginTrouble, me, problem, signIn, whoAmI } from "./session.ts";

/** Asks who reads: by the hospital's own login, or by the printed token and a name. */
export function SignIn({ linkToken }: { linkToken: string }) {
  return (
    <main class="sign-in" id="main">
      <div class="panel">
        <h1>Sign in to read</h1>
        {me.value === null ? <Unreachable /> : me.value.login === "oidc" ? <Login /> : <TokenForm linkToken={linkToken} />}
      </div>
    </main>
  );
}

function Unreachable() {
  return (
    <>
      <p role="alert">{problem.value || "Asking the node who you are …"}</p>
      {problem.value && <button type="button" onClick={() => void whoAmI()}>Try again</button>}
    </>
  );
}

function Login() {
  const [trouble] = useState(loginTrouble);
  return (
    <>
      {trouble && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {trouble}
        </p>
      )}
      <p>Your organisation's login opens, and brings you back here.</p>
      <a class="button primary" href={`/auth/login?next=${encodeURIComponent(location.pathname)}`}>
        Continue to the login
      </a>
    </>
  );
}

/** The name stands in what is signed here; there is no identity provider that could vouch for it. */
export function TokenForm({ linkToken, done }: { linkToken: string; done?: () => void }) {
  const [token, setToken] = useState(linkToken);
  const [name, setName] = useState("");
  const [organisation, setOrganisation] = useState("");
  const [words, setWords] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await signIn(token.trim(), asPersonName(name), organisation.trim());
      done?.();
    } catch (error) {
      setWords(inWords(error).replace("The session has ended.", "The token is not the node's."));
    }
  };
  return (
    <form onSubmit={submit}>
      <label>
        Your name, as it shall stand in the report
        <input name="name" autocomplete="name" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label>
        Organisation, if it shall be named
        <input
          name="organisation"
          autocomplete="organization"
          value={organisation}
          onInput={(event) => setOrganisation(event.currentTarget.value)}
        />
      </label>
      {!linkToken && (
        <label>
          Token that the node printed at its first start
          <input
            name="token"
            type="password"
            autocomplete="current-password"
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
      )}
      {words && (
        <p class="notice bad" role="alert">
          <Icon name="warning" /> {words}
        </p>
      )}
      <button class="primary">Sign in</button>
      <p class="quiet">The name is your own word: this node has no identity provider. The audit trail says so.</p>
    </form>
  );
}
