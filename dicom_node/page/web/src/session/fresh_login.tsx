import { Problem } from "../api/problem.ts";
import { me } from "./session.ts";
import { TokenForm } from "./sign_in.tsx";

/** Signing, rejecting and adding want a login of the last minutes. */
export function wantsFreshLogin(error: unknown): boolean {
  return error instanceof Problem && error.code === "login_not_fresh";
}

/** Asks who it is once more. What was decided is saved already; what is typed here stays. */
export function FreshLogin({ done, studyUid }: { done(): void; studyUid: string }) {
  if (me.value?.login === "oidc")
    return (
      <p class="notice warn">
        This needs a fresh login. <a href={`/auth/login?again=true&next=/read/${studyUid}`}>Log in again</a> and come back
        here; your decisions are saved.
      </p>
    );
  return (
    <div class="notice warn">
      <p>This needs a fresh login.</p>
      <TokenForm linkToken="" done={done} />
    </div>
  );
}
