/** Strict reading of JSON: each field is taken once and checked; a field that nobody took is refused. */

import { type Bytes, fromHex } from "./bytes.ts";
import { Refusal, type RefusalCode } from "./refusal.ts";

/** The fields of one JSON object; `where` names it in refusals. */
export class Fields {
  private readonly taken = new Set<string>();
  private readonly value: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly where: string,
    private readonly code: RefusalCode,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Refusal(code, { where, want: "{…}", got: typeof value });
    }
    this.value = value as Readonly<Record<string, unknown>>;
  }

  /** A whole number from 0 up to 2^53 − 1. */
  int(name: string): bigint {
    const got = this.take(name);
    if (typeof got === "number" && Number.isSafeInteger(got) && got >= 0) return BigInt(got);
    throw this.wrong(name, "0…2^53−1", got);
  }

  /** Bytes as 0x-hex, of a length when one is wanted. */
  bytes(name: string, length?: number): Bytes {
    return this.toBytes(name, this.take(name), length);
  }

  /** A list of 32-byte hashes. */
  hashes(name: string): readonly Bytes[] {
    const got = this.take(name);
    if (!Array.isArray(got)) throw this.wrong(name, "[…]", got);
    return got.map((item: unknown) => this.toBytes(name, item, 32));
  }

  /** An object inside. */
  map(name: string): Fields {
    return new Fields(this.take(name), `${this.where}.${name}`, this.code);
  }

  /** A text that may be absent. */
  optionalText(name: string): string | null {
    this.taken.add(name);
    const got = this.value[name];
    if (got === undefined || got === null) return null;
    if (typeof got === "string") return got;
    throw this.wrong(name, "text", got);
  }

  /** Refuse fields that nobody asked for. */
  finish(): void {
    const extra = Object.keys(this.value).find((name) => !this.taken.has(name));
    if (extra !== undefined) throw new Refusal(this.code, { where: `${this.where}.${extra}`, want: "–", got: extra });
  }

  private take(name: string): unknown {
    this.taken.add(name);
    return this.value[name];
  }

  private toBytes(name: string, got: unknown, length?: number): Bytes {
    const bytes = typeof got === "string" ? fromHex(got) : null;
    if (bytes !== null && (length === undefined || bytes.length === length)) return bytes;
    throw this.wrong(name, length === undefined ? "0x…" : `0x… (${length} B)`, got);
  }

  private wrong(name: string, want: string, got: unknown): Refusal {
    const shown = got === undefined ? "–" : JSON.stringify(got).slice(0, 80);
    return new Refusal(this.code, { where: `${this.where}.${name}`, want, got: shown });
  }
}
