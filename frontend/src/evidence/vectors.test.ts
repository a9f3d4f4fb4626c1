/** The same bytes as Python and Solidity: the repository's evidence vectors (protocol 1.1, 1.5, 2.1, 3, 4.2). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "./bytes.ts";
import { leafHash, nodeHash, rootOfProof } from "./merkle.ts";
import { batteryWord, decodeReading } from "./reading.ts";
import { Refusal } from "./refusal.ts";
import { recoverSigner, type Segment, segmentDigest, segmentEntry } from "./segment.ts";

type Hex = `0x${string}`;

interface SegmentVector {
  readonly device: Hex;
  readonly channel: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly tFirst: number;
  readonly tLast: number;
  readonly root: Hex;
  readonly prev: Hex;
  readonly beaconBlock: number;
  readonly beaconHash: Hex;
  readonly digest: Hex;
  readonly alg: number;
  readonly signature: Hex;
  readonly readings: readonly Hex[];
  readonly proofOfLast: readonly Hex[];
}

interface Vectors {
  readonly domain: { readonly chainId: number; readonly registry: Hex };
  readonly device: Hex;
  readonly segments: readonly SegmentVector[];
  readonly entries: readonly Hex[];
  readonly logRoot: Hex;
  readonly trees: readonly { size: number; root: Hex; index: number; inclusion: readonly Hex[] }[];
}

const file = new URL("../../../tests/vectors/evidence.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf-8")) as Vectors;
const domain = { chainId: BigInt(vectors.domain.chainId), registry: vectors.domain.registry };

function raw(hex: Hex): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new Error(`not hex: ${hex}`);
  return bytes;
}

function segmentOf(vector: SegmentVector): Segment {
  return {
    device: vector.device, channel: vector.channel, firstSeq: BigInt(vector.firstSeq), count: vector.count,
    tFirst: BigInt(vector.tFirst), tLast: BigInt(vector.tLast), root: vector.root, prev: vector.prev,
    beaconBlock: BigInt(vector.beaconBlock), beaconHash: vector.beaconHash,
  };
}

async function treeRoot(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(await treeRoot(leaves.slice(0, split)), await treeRoot(leaves.slice(split)));
}

const withReadings = vectors.segments.filter((segment) => segment.count > 0);

describe("readings", () => {
  it.each(withReadings)("decode to what was signed on channel $channel", (segment) => {
    const third = decodeReading(raw(segment.readings[2] ?? "0x"));
    expect(third).toMatchObject({
      flags: 4, channel: segment.channel, seq: BigInt(segment.firstSeq) + 2n, a: 2000, c: 10n ** 12n + 34n, d: 46n,
    });
    expect(batteryWord(third.b)).toEqual({ socBp: 9498, sohBp: 9900 });
    expect(decodeReading(raw(segment.readings[1] ?? "0x")).a).toBe(-1000);
  });

  it.each([
    ["reading_size", (bytes: Uint8Array) => bytes.slice(1)],
    ["reading_magic", (bytes: Uint8Array) => flipped(bytes, 0)],
    ["reading_version", (bytes: Uint8Array) => flipped(bytes, 4)],
    ["reading_flags", (bytes: Uint8Array) => bytes.with(5, 8)],
  ] as const)("are refused as %s when altered there", (code, alter) => {
    const bytes = raw(withReadings[0]?.readings[0] ?? "0x");
    expect(() => decodeReading(alter(bytes))).toThrowError(expect.objectContaining({ code }));
  });
});

describe("segments", () => {
  it.each(withReadings)("have the root of their readings on channel $channel", async (segment) => {
    const leaves = await Promise.all(segment.readings.map((reading) => leafHash(raw(reading))));
    expect(toHex(await treeRoot(leaves))).toBe(segment.root);
  });

  it.each(withReadings)("prove their last reading on channel $channel", async (segment) => {
    const leaf = await leafHash(raw(segment.readings.at(-1) ?? "0x"));
    const size = BigInt(segment.count);
    const root = await rootOfProof(leaf, { index: size - 1n, size, proof: segment.proofOfLast.map(raw) });
    expect(toHex(root)).toBe(segment.root);
  });

  it.each(vectors.segments)("have the digest and signer of the vector at seq $firstSeq", async (segment) => {
    const digest = segmentDigest(segmentOf(segment), domain);
    expect(digest).toBe(segment.digest);
    const signer = await recoverSigner(digest, { alg: BigInt(segment.alg), signature: raw(segment.signature) });
    expect(signer).toBe(vectors.device);
  });

  it("have another digest under another registry", () => {
    const [segment] = vectors.segments;
    if (segment === undefined) throw new Error("no vector");
    const foreign = { ...domain, registry: `0x${"22".repeat(20)}` as Hex };
    expect(segmentDigest(segmentOf(segment), foreign)).not.toBe(segment.digest);
  });

  it("are refused when the signature has a high s, another length or another algorithm", async () => {
    const [segment] = vectors.segments;
    if (segment === undefined) throw new Error("no vector");
    const signature = raw(segment.signature);
    const high = signature.slice().fill(0xff, 33).with(32, 0x7f);
    await expect(recoverSigner(segment.digest, { alg: 1n, signature: high })).rejects.toThrow("signature_high_s");
    const short = signature.slice(1);
    await expect(recoverSigner(segment.digest, { alg: 1n, signature: short })).rejects.toThrow("signature_length");
    await expect(recoverSigner(segment.digest, { alg: 4n, signature })).rejects.toThrow("algorithm_unknown");
  });
});

describe("the log", () => {
  it("records segments as the vectors' entries", () => {
    const made = vectors.segments.map((s) => toHex(segmentEntry(BigInt(s.alg), s.digest, raw(s.signature))));
    for (const entry of made) expect(vectors.entries).toContain(entry);
  });

  it("has the vectors' root", async () => {
    const leaves = await Promise.all(vectors.entries.map((entry) => leafHash(raw(entry))));
    expect(toHex(await treeRoot(leaves))).toBe(vectors.logRoot);
  });

  it.each(vectors.trees)("proves inclusion in a tree of $size", async ({ size, root, index, inclusion }) => {
    const leaf = await leafHash(Uint8Array.of(index >> 8, index & 255));
    const proof = inclusion.map(raw);
    expect(toHex(await rootOfProof(leaf, { index: BigInt(index), size: BigInt(size), proof }))).toBe(root);
  });

  it.each(vectors.trees.filter(({ size }) => size > 2))(
    "refuses a proof with a node too many or too few in a tree of $size",
    async ({ size, index, inclusion }) => {
      const leaf = await leafHash(Uint8Array.of(index >> 8, index & 255));
      const proof = inclusion.map(raw);
      const place = { index: BigInt(index), size: BigInt(size) };
      const attempts = [proof.slice(1), [...proof, leaf]];
      for (const wrong of attempts) {
        await expect(rootOfProof(leaf, { ...place, proof: wrong })).rejects.toBeInstanceOf(Refusal);
      }
    },
  );
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 0xff);
}
