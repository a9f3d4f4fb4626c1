/** What evidence gets wrong: a rule's error with its facts, a divergence at a place, or something that could not be read (protocol 11.3). */

import { toHex } from "./bytes.ts";

/** A fact of an error; bytes are shown as 0x-hex. */
export type Fact = number | bigint | string | boolean | null | Uint8Array;

/** A rule's refusal: `code` names the fact in snake case, `facts` carry its numbers in order. */
export class RuleError extends Error {
  readonly code: string;
  readonly facts: Readonly<Record<string, Fact>>;

  constructor(code: string, facts: Readonly<Record<string, Fact>> = {}) {
    super(text(code, facts));
    this.name = "RuleError";
    this.code = code;
    this.facts = facts;
  }
}

/** Where in the evidence something stands, as far as it is known; slot 96 is the day itself. */
export interface Where {
  readonly station?: number | null;
  readonly device?: string | null;
  readonly channel?: number | null;
  readonly seq?: number | bigint | null;
  readonly epoch?: number | null;
  readonly slot?: number | null;
}

/** Evidence, chain and rules do not agree; the audit ends here. `rule` begins with the protocol's clause. */
export class Diverged extends Error {
  constructor(
    readonly rule: string,
    readonly expected: string,
    readonly got: string,
    readonly where: Where,
  ) {
    super(`${rule}: expected ${expected}, got ${got}`);
    this.name = "Diverged";
  }
}

/** Something that the audit needs could not be read: neither a pass nor an accusation. */
export class Unread extends Error {
  constructor(
    readonly what: string,
    readonly why: string,
  ) {
    super(`${what}: ${why}`);
    this.name = "Unread";
  }
}

/** Throw Diverged unless both are the same value. */
export function expect(rule: string, expected: Fact | undefined, got: Fact | undefined, where: Where): void {
  const [want, have] = [shown(expected), shown(got)];
  if (want !== have) throw new Diverged(rule, want, have, where);
}

/** Run what may be refused by a rule; the refusal becomes the divergence at `where`, refined by what the error names. */
export function judged<T>(rule: string, where: Where, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw refusal(rule, where, error);
  }
}

/** The divergence that a rule's error is; anything else stays what it was. */
export function refusal(rule: string, where: Where, error: unknown): unknown {
  if (!(error instanceof RuleError)) return error;
  const [expected, got] = sides(error);
  return new Diverged(`${rule} (${error.code})`, expected, got, refined(where, error));
}

/** A value as it is printed: bytes as hex, nothing as `none`. */
export function shown(value: Fact | undefined): string {
  if (value === null || value === undefined) return "none";
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  return `${value}`;
}

function sides(error: RuleError): readonly [string, string] {
  const named = (prefixes: readonly string[]) =>
    Object.entries(error.facts).filter(([name]) => prefixes.includes(name.split("_")[0] ?? ""));
  const [want, got] = [named(["want", "expected"]), named(["got"])];
  return want.length && got.length ? [joined(want), joined(got)] : ["what the rule allows", error.message];
}

function joined(facts: readonly (readonly [string, Fact])[]): string {
  if (facts.length === 1) return shown(facts[0]?.[1]);
  return facts.map(([name, fact]) => `${name.slice(name.indexOf("_") + 1)}=${shown(fact)}`).join(" ");
}

function refined(where: Where, { facts }: RuleError): Where {
  const seq = facts["seq"] ?? facts["first_seq"];
  const { station, slot } = facts;
  return {
    ...where,
    ...(typeof seq === "number" || typeof seq === "bigint" ? { seq } : {}),
    ...(typeof station === "number" && station !== 0 ? { station } : {}),
    ...(typeof slot === "number" && slot >= 0 && slot <= 96 ? { slot } : {}),
  };
}

function text(code: string, facts: Readonly<Record<string, Fact>>): string {
  const listed = Object.entries(facts).map(([name, fact]) => `${name}=${fact === null ? "None" : shown(fact)}`);
  return listed.length ? `${code}: ${listed.join(", ")}` : code;
}
