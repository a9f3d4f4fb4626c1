/** Document blocks (protocol 4.5, 4.8): a schedule, rule pack or statement, and the salt that its entry commits to. */

import { sha256, toHex } from "../bytes.ts";
import { decode, type Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields } from "../fields.ts";
import type { Hex } from "../values.ts";
import { unseal } from "./encryption.ts";

const VERSION = 1n;
const PLAIN = 0n;
const ENCRYPTED = 1n;

/** What a document block holds: the plain value and its 32 bytes of salt. */
export interface Opened {
  readonly salt: Uint8Array;
  readonly content: Plain;
}

/** Whether a block needs a key; bytes that are no document block need none, and are refused when they are opened. */
export function isEncrypted(block: Uint8Array): boolean {
  try {
    const value = decode(block);
    return value instanceof Map && value.get("alg") === 1;
  } catch {
    return false;
  }
}

/** Open a block, checked against its entry's commitment when given. Throws RuleError. */
export function openDocument(
  block: Uint8Array,
  { commitment, contentKey }: { readonly commitment?: Hex; readonly contentKey?: Uint8Array | null } = {},
): Opened {
  let fields = new Fields(decode(block), "document");
  const [version, alg] = [fields.int("v"), fields.int("alg")];
  if (version !== VERSION || (alg !== PLAIN && alg !== ENCRYPTED)) {
    throw new RuleError("block_version_unknown", { what: "document", version, alg });
  }
  if (alg === ENCRYPTED) fields = unsealed(fields, contentKey ?? null);
  const [salt, document] = [fields.bytes("salt", 32), fields.bytes("document")];
  fields.finish();
  const got = toHex(sha256(salt, document));
  if (commitment !== undefined && got !== commitment) {
    throw new RuleError("commitment_wrong", { block: toHex(sha256(block)), want: commitment, got });
  }
  return { salt, content: decode(document) };
}

function unsealed(fields: Fields, contentKey: Uint8Array | null): Fields {
  const sealed = fields.bytes("sealed");
  fields.finish();
  if (contentKey === null) throw new RuleError("key_missing", { what: "document block" });
  return new Fields(decode(unseal(sealed, contentKey, "document block")), "document.sealed");
}
