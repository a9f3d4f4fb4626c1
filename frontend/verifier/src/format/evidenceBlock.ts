/** Evidence blocks (protocol 4.4, 4.8): a channel's segments of one epoch, signed in clear, readings in the payload. */

import { decode, type Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields, isList } from "../fields.ts";
import type { Domain } from "./eip712.ts";
import { unseal } from "./encryption.ts";
import { type SealedSegment, type SignedSegment, signedFromFields } from "./segment.ts";
import type { PublicKeys } from "./signature.ts";

const VERSION = 1n;
const PLAIN = 0n;
const ENCRYPTED = 1n;

/** What stands in clear in an evidence block; `payload` is readable when it is not encrypted. */
export interface EvidenceBlock {
  readonly encrypted: boolean;
  readonly signed: readonly SignedSegment[];
  readonly payload: Uint8Array;
}

/** Read what stands in clear and find each signer; no secret is needed. Throws RuleError. */
export function readEvidence(block: Uint8Array, domain: Domain, keys: PublicKeys): EvidenceBlock {
  const fields = new Fields(decode(block), "evidence");
  const [version, alg] = [fields.int("v"), fields.int("alg")];
  if (version !== VERSION || (alg !== PLAIN && alg !== ENCRYPTED)) {
    throw new RuleError("block_version_unknown", { what: "evidence", version, alg });
  }
  const [clear, payload] = [fields.list("segments"), fields.bytes("payload")];
  fields.finish();
  return { encrypted: alg === ENCRYPTED, signed: clear.map((one) => signedOf(one, domain, keys)), payload };
}

/** The segments with what they cover. Throws RuleError (key_missing, content_key_wrong, payload_count_wrong, …). */
export function unlockEvidence(evidence: EvidenceBlock, contentKey: Uint8Array | null): readonly SealedSegment[] {
  const items = decode(plainPayload(evidence, contentKey));
  if (!isList(items) || items.length !== evidence.signed.length) {
    throw new RuleError("payload_count_wrong", {
      segments: evidence.signed.length, payload_items: isList(items) ? items.length : 0,
    });
  }
  return evidence.signed.map((signed, at) => sealedOf(signed, items[at] ?? null));
}

function plainPayload({ encrypted, payload }: EvidenceBlock, contentKey: Uint8Array | null): Uint8Array {
  if (!encrypted) return payload;
  if (contentKey === null) throw new RuleError("key_missing", { what: "evidence block" });
  return unseal(payload, contentKey, "evidence block");
}

function signedOf(clear: Plain, domain: Domain, keys: PublicKeys): SignedSegment {
  const fields = new Fields(clear, "evidence.segment");
  const signed = signedFromFields(fields, domain, keys);
  fields.finish();
  return signed;
}

function sealedOf(signed: SignedSegment, hidden: Plain): SealedSegment {
  const fields = new Fields(hidden, "evidence.payload");
  const sealed = { signed, secret: fields.bytes("secret", 32), readings: fields.bytes("readings") };
  fields.finish();
  return sealed;
}
