/** The same bytes as Python and Solidity: the repository's vectors of evidence, encryption and proved state. */

import { readFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist";
import { ed25519 } from "@noble/curves/ed25519";
import { describe, expect, it } from "vitest";
import { bigEndian, bytesOf, concat, sha256, toHex } from "./bytes.ts";
import { cidOf, decode, encode } from "./cbor.ts";
import { checkAccount, checkHeader, mappingSlot } from "./chain/proofs.ts";
import type { Header } from "./chain/rpc.ts";
import { RuleError } from "./error.ts";
import { openDocument } from "./format/documentBlock.ts";
import { ACCEPT_TYPE, ACK_TYPE, domainOf, ENROL_TYPE, typedDigest } from "./format/eip712.ts";
import { Opener, readerOf } from "./format/encryption.ts";
import { readEvidence, unlockEvidence } from "./format/evidenceBlock.ts";
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from "./format/merkle.ts";
import { decodeEntries, parseEntry, segmentEntry } from "./format/entry.ts";
import { checkContents, type SealedSegment, type Segment, signedSegment } from "./format/segment.ts";
import { addressOf, noKeys, signerOf } from "./format/signature.ts";
import { type Hex, ZERO_ADDRESS } from "./values.ts";

interface SegmentVector {
  readonly [name: string]: Hex | number | readonly Hex[];
  readonly readings: readonly Hex[];
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf-8"));
const evidence = read("evidence") as {
  domain: { chainId: number; registry: Hex; separator: Hex; allianceId: Hex };
  device: Hex;
  segments: SegmentVector[];
  entries: Hex[];
  logRoot: Hex;
  entriesCid: string;
  ack: Hex;
  enrol: Hex;
  accept: Hex;
  trees: { size: number; root: Hex; old: number; oldRoot: Hex; consistency: Hex[]; index: number; inclusion: Hex[] }[];
};
const domain = domainOf(BigInt(evidence.domain.chainId), evidence.domain.registry);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof RuleError) return error.code;
    throw error;
  }
  return "nothing";
}

function sealedOf(v: SegmentVector): SealedSegment {
  const big = (name: string) => BigInt(v[name] as number);
  const segment: Segment = {
    device: v["device"] as Hex, channel: v["channel"] as number, firstSeq: big("firstSeq"), count: v["count"] as number,
    tFirst: big("tFirst"), tLast: big("tLast"), root: v["root"] as Hex, prev: v["prev"] as Hex,
    beaconBlock: big("beaconBlock"), beaconHash: v["beaconHash"] as Hex,
  };
  const signature = bytesOf(v["signature"] as Hex);
  return {
    signed: signedSegment(segment, { alg: v["alg"] as number, signature }, domain, noKeys),
    secret: bytesOf(v["secret"] as Hex),
    readings: concat(...v.readings.map(bytesOf)),
  };
}

it("names the domain and the alliance as the vectors do", () => {
  expect([toHex(domain.separator), domain.alliance]).toEqual([evidence.domain.separator, evidence.domain.allianceId]);
});

describe.each(evidence.segments)("segment from $firstSeq", (vector) => {
  const sealed = sealedOf(vector);

  it("has the digest that the device signed, and its signer", () => {
    expect([sealed.signed.digest, sealed.signed.signer]).toEqual([vector["digest"], evidence.device]);
  });

  it("covers its readings, and no other", () => {
    expect(checkContents(sealed)).toHaveLength(vector["count"] as number);
    const bent = sealed.readings.slice();
    if (bent.length) bent[70 % bent.length] = (bent[70 % bent.length] as number) ^ 1;
    else return;
    expect(codeOf(() => checkContents({ ...sealed, readings: bent }))).toBe("root_wrong");
  });

  it("does not hold under another secret", () => {
    expect(codeOf(() => checkContents({ ...sealed, secret: sha256(sealed.secret) }))).toBe("salt_wrong");
  });

  it("stands in the log as its entry", () => {
    expect(evidence.entries).toContain(toHex(segmentEntry(sealed.signed).raw));
  });
});

it("rebuilds the log from its entries", () => {
  const raw = evidence.entries.map(bytesOf);
  expect(toHex(rootOf(raw.map((entry) => leafHash(parseEntry(entry).raw))))).toBe(evidence.logRoot);
  const block = encode(raw);
  expect(cidOf(block)).toBe(evidence.entriesCid);
  expect(decodeEntries(block).map((entry) => toHex(entry.raw))).toEqual(evidence.entries);
});

it.each(evidence.trees)("proves in the tree of $size", ({ size, root, old, oldRoot, consistency, index, inclusion }) => {
  const leaf = leafHash(bigEndian(index, 2));
  const proof = inclusion.map(bytesOf);
  verifyInclusion(leaf, { index: BigInt(index), size: BigInt(size), proof, root: bytesOf(root) });
  const claim = { oldSize: BigInt(old), newSize: BigInt(size), proof: consistency.map(bytesOf), oldRoot: bytesOf(oldRoot), newRoot: bytesOf(root) };
  verifyConsistency(claim);
  expect(codeOf(() => verifyInclusion(leaf, { index: BigInt(index), size: BigInt(size), proof, root: sha256(leaf) }))).toBe("inclusion_fails");
  expect(codeOf(() => verifyConsistency({ ...claim, oldRoot: sha256(leaf) }))).toMatch(/consistency_fails/);
});

it("signs acknowledgements, consents and acceptances over the same digests", () => {
  const [segment] = evidence.segments;
  const ack = typedDigest(domain, ACK_TYPE, bytesOf(segment?.["digest"] as Hex), 7);
  const owner = new Uint8Array(20).fill(0x22);
  const enrol = typedDigest(domain, ENROL_TYPE, bytesOf(evidence.device), owner, 3, 0, 1_800_000_000);
  const text = (value: string) => sha256(new TextEncoder().encode(value));
  const accept = typedDigest(domain, ACCEPT_TYPE, text("schedule"), 1_982_300, 12, text("b"));
  expect([ack, enrol, accept].map(toHex)).toEqual([evidence.ack, evidence.enrol, evidence.accept]);
});

describe("encrypted blocks", () => {
  const vectors = read("encryption") as Record<"evidence" | "document" | "grant", Record<string, Hex>> & {
    grant: { path: string; epoch: number };
  };
  const reader = readerOf((vectors.grant["readerSecret"] as Hex).slice(2));
  const opener = new Opener(reader, async (fingerprint, epoch) =>
    `grants/${fingerprint}/${epoch}` === vectors.grant.path ? bytesOf(vectors.grant["bytes"] as Hex) : null,
  );

  it("open with the keys that a grant wraps for its reader", async () => {
    const [block, paper] = [bytesOf(vectors.evidence["block"] as Hex), bytesOf(vectors.document["block"] as Hex)];
    const keyOf = (raw: Uint8Array) => opener.keyOf(toHex(sha256(raw)), vectors.grant.epoch);
    const [first, second] = [await keyOf(block), await keyOf(paper)];
    expect([first, second].map((key) => key && toHex(key))).toEqual([vectors.evidence["contentKey"], vectors.document["contentKey"]]);
    const sealed = unlockEvidence(readEvidence(block, domain, noKeys), first);
    expect(sealed.map(checkContents).flat().length).toBeGreaterThan(0);
    const opened = openDocument(paper, { commitment: vectors.document["commitment"] as Hex, contentKey: second });
    expect(toHex(encode(opened.content))).toBe(vectors.document["document"]);
  });

  it("stay closed without a key, with another one, and to another reader", async () => {
    const clear = readEvidence(bytesOf(vectors.evidence["block"] as Hex), domain, noKeys);
    expect(codeOf(() => unlockEvidence(clear, null))).toBe("key_missing");
    expect(codeOf(() => unlockEvidence(clear, sha256(clear.payload)))).toBe("content_key_wrong");
    const other = readerOf("07".repeat(32));
    expect(codeOf(() => other.unwrap(bytesOf(vectors.grant["bytes"] as Hex), vectors.grant.epoch))).toBe("grant_foreign");
  });
});

describe("signatures of every algorithm", () => {
  const digest = sha256(Uint8Array.of(1, 2, 3));
  const secret = sha256(Uint8Array.of(9));
  const device = evidence.device;

  it("finds the P-256 key that signed among the confirmed ones", () => {
    const key = p256.getPublicKey(secret, false).subarray(1);
    const signature = p256.sign(digest, secret, { prehash: false, lowS: true }).toCompactRawBytes();
    expect(signerOf(digest, { alg: 2, signature, device }, () => [key])).toBe(addressOf(key));
    expect(signerOf(sha256(digest), { alg: 2, signature, device }, () => [key])).toBe(ZERO_ADDRESS);
    const high = concat(signature.subarray(0, 32), bigEndian(p256.CURVE.n - BigInt(toHex(signature.subarray(32))), 32));
    expect(codeOf(() => signerOf(digest, { alg: 2, signature: high, device }, () => [key]))).toBe("signature_malformed");
  });

  it("finds the Ed25519 key that signed, and believes no key of small order", () => {
    const key = ed25519.getPublicKey(secret);
    const signature = ed25519.sign(digest, secret);
    expect(signerOf(digest, { alg: 3, signature, device }, () => [key])).toBe(addressOf(key));
    const identity = concat(Uint8Array.of(1), new Uint8Array(31));
    const forged = concat(identity, new Uint8Array(32));
    expect(signerOf(digest, { alg: 3, signature: forged, device }, () => [identity])).toBe(ZERO_ADDRESS);
  });

  it("refuses SM2 and unknown algorithms by name", () => {
    const signature = new Uint8Array(64);
    expect(codeOf(() => signerOf(digest, { alg: 4, signature, device }, noKeys))).toBe("algorithm_unknown");
    expect(codeOf(() => signerOf(digest, { alg: 0, signature, device }, noKeys))).toBe("algorithm_unknown");
  });
});

describe("proved state", () => {
  const vector = read("state-proof") as { block: Record<string, unknown>; log: unknown; devices: unknown; device: Hex; unknownDevice: Hex; changed: number };
  const header: Header = {
    number: Number(vector.block["number"]), hash: vector.block["hash"] as Hex, timestampS: Number(vector.block["timestamp"]),
    stateRoot: vector.block["stateRoot"] as Hex, raw: vector.block,
  };
  const account = (vector.devices as { address: Hex }).address;
  const slots = [mappingSlot(2, vector.device), mappingSlot(2, vector.unknownDevice)];

  it("hangs on a header that hashes to its block", () => {
    checkHeader(header);
    const bent = { ...header, raw: { ...vector.block, timestamp: "0x1" } };
    expect(codeOf(() => checkHeader(bent))).toBe("header_forged");
  });

  it("proves a slot, and that another one is empty", () => {
    const proved = checkAccount(vector.devices, account, slots, header.stateRoot);
    expect(slots.map((slot) => proved.storage.get(slot))).toEqual([BigInt(vector.changed), 0n]);
  });

  it("refuses another value beside the same proof", () => {
    const told = structuredClone(vector.devices) as { storageProof: { value: string }[] };
    (told.storageProof[0] as { value: string }).value = "0x11";
    expect(codeOf(() => checkAccount(told, account, slots, header.stateRoot))).toBe("proved_otherwise");
  });
});

describe("canonical DAG-CBOR", () => {
  it.each([
    ["an integer in a longer form", "0x1801"],
    ["an indefinite list", "0x9fff"],
    ["a float", "0xf97e00"],
    ["map keys out of order", "0xa2616201616101"],
    ["a map key twice", "0xa2616101616102"],
    ["text that is not UTF-8", "0x61ff"],
    ["trailing bytes", "0x0000"],
    ["an early end", "0x4401"],
    ["a link of another codec", "0xd82a582500015512200000000000000000000000000000000000000000000000000000000000000000"],
    ["undefined", "0xf7"],
  ] as const)("refuses %s", (_what, raw) => {
    expect(codeOf(() => decode(bytesOf(raw)))).toBe("not_canonical");
  });

  it.each([0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER])("reads %i as it is written", (value) => {
    expect(decode(encode(value))).toBe(value);
    expect(decode(encode(-1 - value))).toEqual(value < Number.MAX_SAFE_INTEGER ? -1 - value : -1n - BigInt(value));
    expect(decode(encode(BigInt(value) + 2n ** 60n))).toBe(BigInt(value) + 2n ** 60n);
  });
});
