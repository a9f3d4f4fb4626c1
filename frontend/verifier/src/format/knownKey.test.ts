/** A known key confirms exactly the signatures that recover to it. */

import { secp256k1 } from "@noble/curves/secp256k1";
import { describe, expect, it } from "vitest";
import { sha256, toHex } from "../bytes.ts";
import { KnownKey } from "./knownKey.ts";
import { addressOf, noKeys, signerOf } from "./signature.ts";

const { n: ORDER } = secp256k1.CURVE;
const [secret, stranger] = [sha256(Uint8Array.of(1)), sha256(Uint8Array.of(2))];
const key = secp256k1.getPublicKey(secret, false).subarray(1);
const known = new KnownKey(key);
const digests = Array.from({ length: 40 }, (_, at) => sha256(Uint8Array.of(3, at)));

function signed(digest: Uint8Array, by: Uint8Array) {
  const { r, s, recovery } = secp256k1.sign(digest, by);
  return { r, s, odd: recovery === 1 };
}

describe("a known key", () => {
  it("confirms what it signed, and nothing that differs in a part", () => {
    for (const digest of digests) {
      const parts = signed(digest, secret);
      expect(known.signed(digest, parts)).toBe(true);
      expect(known.signed(digest, { ...parts, odd: !parts.odd })).toBe(false);
      expect(known.signed(digest, { ...parts, s: ORDER - parts.s })).toBe(false);
      expect(known.signed(digest, { ...parts, r: parts.r + 1n })).toBe(false);
      expect(known.signed(digest, { ...parts, r: parts.r + ORDER })).toBe(false);
      expect(known.signed(sha256(digest), parts)).toBe(false);
      expect(known.signed(digest, signed(digest, stranger))).toBe(false);
    }
  });

  it("confirms nothing that is outside the order", () => {
    const [digest = new Uint8Array(32)] = digests;
    const { r, s } = signed(digest, secret);
    for (const [x, y] of [[0n, s], [r, 0n], [ORDER, s], [r, ORDER]] as const) {
      expect(known.signed(digest, { r: x, s: y, odd: false })).toBe(false);
    }
  });

  it("says of a digest that is zero what recovery says", () => {
    const zero = new Uint8Array(32);
    expect(known.signed(zero, signed(zero, secret))).toBe(true);
  });
});

it("names the same signer before and after a key is known, and another one at once", () => {
  const compact = (digest: Uint8Array, by: Uint8Array) => {
    const { recovery, ...signature } = secp256k1.sign(digest, by);
    const raw = new secp256k1.Signature(signature.r, signature.s).toCompactRawBytes();
    raw[32] = (raw[32] ?? 0) | (recovery << 7);
    return raw;
  };
  const device = `0x${"11".repeat(20)}` as const;
  const of = (digest: Uint8Array, by: Uint8Array) => signerOf(digest, { alg: 1, signature: compact(digest, by), device }, noKeys);
  const other = addressOf(secp256k1.getPublicKey(stranger, false).subarray(1));
  for (const [at, digest] of digests.entries()) {
    const by = at % 7 === 6 ? stranger : secret;
    expect(of(digest, by)).toBe(by === secret ? addressOf(key) : other);
  }
  expect(toHex(key)).toHaveLength(130);
});
