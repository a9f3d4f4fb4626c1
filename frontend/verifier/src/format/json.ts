/** JSON as the values that `Fields` reads: whole numbers and objects as maps, so that files are read as strictly as blocks. */

import type { Plain } from "../cbor.ts";
import { malformed } from "../fields.ts";
import { fromHex, toHex } from "../bytes.ts";
import type { Fields } from "../fields.ts";
import { RuleError } from "../error.ts";
import type { Hex } from "../values.ts";

/** Parse a text. Throws RuleError plain_malformed, naming `where`. */
export function parseJson(text: string, where: string): Plain {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(where, "", "JSON", error instanceof Error ? error.message : String(error));
  }
  return plainOf(value, where);
}

/** A JSON value as plain data. Throws RuleError for a number that is not whole. */
export function plainOf(value: unknown, where: string): Plain {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value;
    throw malformed(where, "", "a whole number up to 2^53 − 1", `${value}`);
  }
  if (Array.isArray(value)) return value.map((item, at) => plainOf(item, `${where}[${at}]`));
  return new Map(Object.entries(value as object).map(([name, inner]) => [name, plainOf(inner, `${where}.${name}`)]));
}

/** A text field that is 0x-hex of so many bytes, in lower case. Throws RuleError bad_hex. */
export function hexField(fields: Fields, name: string, size: number): Hex {
  return hexText(fields.str(name), name, size);
}

/** 0x-hex of so many bytes, in lower case. Throws RuleError bad_hex. */
export function hexText(text: string, field: string, size: number): Hex {
  const bytes = fromHex(text);
  if (bytes === null || bytes.length !== size) {
    throw new RuleError("bad_hex", { field, value: text.slice(0, 80), want_bytes: size });
  }
  return toHex(bytes);
}
