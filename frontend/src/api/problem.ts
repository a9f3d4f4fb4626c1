/** Errors of the service (RFC 9457): the text that it gives, in the reader's language, and a stable code. */

/** What the service refused, or that it could not be reached (`status` 0). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;

  constructor({ status, code, title, detail }: { status: number; code: string; title: string; detail: string }) {
    super(`${title} ${detail}`.trim());
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
  }
}

/** The problem in an answer's body, whatever that is. */
export function problemOf(body: unknown, status: number): Problem {
  const fields = typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  return new Problem({
    status,
    code: text(fields["code"]) ?? `http_${status}`,
    title: text(fields["title"]) ?? `HTTP ${status}`,
    detail: text(fields["detail"]) ?? "",
  });
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
