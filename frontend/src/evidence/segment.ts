/** Segments (protocol 3): the EIP-712 digest that a device signs, the key that signed it, the log entry that records it. */

import { hashTypedData, recoverAddress } from "viem/utils";
import { concat, fromHex, toHex } from "./bytes.ts";
import type { Deployment } from "./deployment.ts";
import { Refusal } from "./refusal.ts";

const SECP256K1 = 1n;
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const PARITY = 1n << 255n;
const ENTRY_HEAD = Uint8Array.of(0x53, 0x41, 0x45, 0x31, 1);

/** The fields that a device signs; times in UTC ms. */
export interface Segment {
  readonly device: `0x${string}`;
  readonly channel: number;
  readonly firstSeq: bigint;
  readonly count: number;
  readonly tFirst: bigint;
  readonly tLast: bigint;
  readonly root: `0x${string}`;
  readonly prev: `0x${string}`;
  readonly beaconBlock: bigint;
  readonly beaconHash: `0x${string}`;
}

const TYPES = {
  Segment: [
    { name: "device", type: "address" },
    { name: "channel", type: "uint16" },
    { name: "firstSeq", type: "uint64" },
    { name: "count", type: "uint32" },
    { name: "tFirst", type: "uint64" },
    { name: "tLast", type: "uint64" },
    { name: "root", type: "bytes32" },
    { name: "prev", type: "bytes32" },
    { name: "beaconBlock", type: "uint64" },
    { name: "beaconHash", type: "bytes32" },
  ],
} as const;

/** The EIP-712 digest by which a segment is known (protocol 1.5). */
export function segmentDigest(
  segment: Segment,
  domain: { readonly chainId: bigint; readonly registry: `0x${string}` },
): `0x${string}` {
  return hashTypedData({
    domain: { name: "StorageAlliance", version: "1", chainId: domain.chainId, verifyingContract: domain.registry },
    types: TYPES,
    primaryType: "Segment",
    message: segment,
  });
}

/** Where a deployment's signatures are valid. */
export function domainOf(deployment: Deployment): { readonly chainId: bigint; readonly registry: `0x${string}` } {
  return { chainId: deployment.chainId, registry: deployment.contracts.AllianceRegistry.address };
}

/** Who signed a digest: algorithm 1, 64 bytes of EIP-2098, low s. Throws Refusal. */
export async function recoverSigner(
  digest: `0x${string}`,
  { alg, signature }: { readonly alg: bigint; readonly signature: Uint8Array },
): Promise<`0x${string}`> {
  if (alg !== SECP256K1) throw new Refusal("algorithm_unknown", { got: `${alg}` });
  if (signature.length !== 64) throw new Refusal("signature_length", { want: "64", got: `${signature.length}` });
  const tail = BigInt(toHex(signature.subarray(32)));
  const s = tail & (PARITY - 1n);
  if (s === 0n || s > HALF_ORDER) throw new Refusal("signature_high_s", { s: `0x${s.toString(16)}` });
  const full = {
    r: toHex(signature.subarray(0, 32)),
    s: `0x${s.toString(16).padStart(64, "0")}`,
    yParity: tail >= PARITY ? 1 : 0,
  } as const;
  try {
    return lower(await recoverAddress({ hash: digest, signature: full }));
  } catch {
    throw new Refusal("signature_no_point", { r: full.r });
  }
}

/** The log entry of a signed segment (protocol 4.2): "SAE1" · 1 · alg · digest · signature. */
export function segmentEntry(alg: bigint, digest: `0x${string}`, signature: Uint8Array): Uint8Array {
  return concat(ENTRY_HEAD, Uint8Array.of(Number(alg)), fromHex(digest) ?? new Uint8Array(), signature);
}

function lower(address: `0x${string}`): `0x${string}` {
  return address.toLowerCase() as `0x${string}`;
}
