/** What can go wrong between the page and the node, as values that the page can put in words. */

/** The node answered with an error (RFC 9457). `body` holds its own members, for example `undecided`. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body.detail === "string" && body.detail ? body.detail : `The node answered with status ${status}.`);
    this.status = status;
    this.code = typeof body.code === "string" ? body.code : lastPart(body.type);
    this.body = body;
  }
}

/** The node did not answer: it is down, or the network is away. */
export class Away extends Error {
  constructor() {
    super("The node does not answer.");
  }
}

/** One sentence for a person, with the way out. */
export function inWords(error: unknown): string {
  if (error instanceof Away) return "The node does not answer. The page tries again by itself.";
  if (error instanceof Problem) return problemInWords(error);
  return "The page failed here. Reload it; what was saved is kept.";
}

function problemInWords(problem: Problem): string {
  if (problem.status === 401) return "The session has ended. Sign in again; what you typed is kept here.";
  if (problem.status === 403) return `Not permitted for this account. ${problem.message}`;
  if (problem.status === 429) return "Too many requests just now. Wait a moment and try again.";
  if (problem.status === 503) return `The model is away: ${problem.message} Reading and signing still work.`;
  return problem.message;
}

function lastPart(type: unknown): string {
  return typeof type === "string" ? (type.split("/").pop() ?? "") : "";
}
