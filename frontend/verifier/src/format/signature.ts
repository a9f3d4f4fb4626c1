/** Signatures over 32-byte digests (protocol 3.6): 1 secp256k1 (EIP-2098, low s), 2 P-256 (r‖s, low s), 3 Ed25519. */

import { ed25519 } from "@noble/curves/ed25519";
import { p256 } from "@noble/curves/nist";
import { secp256k1 } from "@noble/curves/secp256k1";
import { concat, keccak256, toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";
import { type Hex, ZERO_ADDRESS } from "../values.ts";
import { KnownKey } from "./knownKey.ts";

const SECP256K1 = 1;
const P256 = 2;
const ED25519 = 3;

/** The public keys that were ever confirmed for a device with an algorithm (protocol 6.3). */
export type PublicKeys = (device: Hex, alg: number) => readonly Uint8Array[];

/** A device whose keys are all of algorithm 1. */
export const noKeys: PublicKeys = () => [];

/** Who signed a digest; the zero address where no confirmed key of the algorithm did. Throws algorithm_unknown or signature_malformed. */
export function signerOf(
  digest: Uint8Array,
  signed: { readonly alg: number; readonly signature: Uint8Array; readonly device: Hex },
  keys: PublicKeys,
): Hex {
  const { alg, signature, device } = signed;
  if (alg === SECP256K1) return recover(digest, signature, device);
  if (alg !== P256 && alg !== ED25519) throw new RuleError("algorithm_unknown", { alg });
  checkForm(alg, signature);
  const verifies = alg === P256 ? verifiesP256 : verifiesEd25519;
  const key = keys(device, alg).find((candidate) => verifies(digest, signature, candidate));
  return key === undefined ? ZERO_ADDRESS : addressOf(key);
}

/** The address by which a public key is known: last 20 bytes of keccak256 (64 bytes x‖y, or 32 of Ed25519). */
export function addressOf(publicKey: Uint8Array): Hex {
  return toHex(keccak256(publicKey).subarray(12));
}

/** A key that signed for a device: how often it was recovered, and what confirms it at less cost once that was often enough. */
interface Signer {
  readonly key: Uint8Array;
  readonly address: Hex;
  times: number;
  known: KnownKey | null;
}

/** The signers of late, by device and address; a device's last one stands behind its name alone. */
const signers = new Map<string, Signer>();
const MOST_SIGNERS = 256;
/** Multiples of a key cost as much as so many recoveries. */
const WORTHWHILE = 12;

function recover(digest: Uint8Array, signature: Uint8Array, device: Hex): Hex {
  checkLength(signature);
  const s = signature.slice(32);
  const parity = (s[0] ?? 0) >> 7;
  s[0] = (s[0] ?? 0) & 0x7f;
  const number = BigInt(toHex(s));
  if (number === 0n || number > secp256k1.CURVE.n >> 1n) throw malformed("s is zero or high");
  const last = signers.get(device);
  const parts = { r: BigInt(toHex(signature.subarray(0, 32))), s: number, odd: parity === 1 };
  if (last?.known?.signed(digest, parts)) return last.address;
  try {
    const full = secp256k1.Signature.fromCompact(concat(signature.subarray(0, 32), s)).addRecoveryBit(parity);
    return met(device, full.recoverPublicKey(digest).toRawBytes(false).subarray(1));
  } catch {
    throw malformed("no such point");
  }
}

/** Keep a recovered key as its device's last one; its address. */
function met(device: Hex, key: Uint8Array): Hex {
  const address = addressOf(key);
  const signer = signers.get(`${device}/${address}`) ?? { key, address, times: 0, known: null };
  if (signers.size >= MOST_SIGNERS) signers.clear();
  signers.set(`${device}/${address}`, signer).set(device, signer);
  signer.times += 1;
  if (signer.times === WORTHWHILE) signer.known = new KnownKey(key);
  return address;
}

function checkForm(alg: number, signature: Uint8Array): void {
  checkLength(signature);
  if (alg !== P256) return;
  const order = p256.CURVE.n;
  const [r, s] = [BigInt(toHex(signature.subarray(0, 32))), BigInt(toHex(signature.subarray(32)))];
  if (r === 0n || r >= order) throw malformed("r is outside the curve's order");
  if (s === 0n || s > order >> 1n) throw malformed("s is zero or high");
}

function verifiesP256(digest: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  try {
    return p256.verify(signature, digest, concat(Uint8Array.of(4), key), { prehash: false, lowS: true });
  } catch {
    return false;
  }
}

/** RFC 8032 without cofactor: a key of small order proves nothing. */
function verifiesEd25519(digest: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  try {
    if (ed25519.ExtendedPoint.fromHex(key).isSmallOrder()) return false;
    return ed25519.verify(signature, digest, key, { zip215: false });
  } catch {
    return false;
  }
}

function checkLength(signature: Uint8Array): void {
  if (signature.length !== 64) throw malformed(`want 64 bytes, got ${signature.length}`);
}

function malformed(why: string): RuleError {
  return new RuleError("signature_malformed", { why });
}
