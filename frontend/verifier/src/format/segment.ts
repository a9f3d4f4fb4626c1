/** Segments (protocol 3): what a device signs, who signed it, how it continues its stream, and what it covers. */

import { bytesOf, same, toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";
import type { Fields } from "../fields.ts";
import { type Hex, type Reading, ZERO_DIGEST } from "../values.ts";
import { type Domain, SEGMENT_TYPE, typedDigest } from "./eip712.ts";
import { leafHash, rootOf } from "./merkle.ts";
import { checkFollows, decodeReading, READING_SIZE, salts } from "./reading.ts";
import { type PublicKeys, signerOf } from "./signature.ts";

const MOST_READINGS = 60;
const U64_MAX = (1n << 64n) - 1n;
const U32_MAX = 0xffff_ffff;

/** The fields that a device signs; times in UTC ms. */
export interface Segment {
  readonly device: Hex;
  readonly channel: number;
  readonly firstSeq: bigint;
  readonly count: number;
  readonly tFirst: bigint;
  readonly tLast: bigint;
  readonly root: Hex;
  readonly prev: Hex;
  readonly beaconBlock: bigint;
  readonly beaconHash: Hex;
}

/** A segment with its digest, and the key that signed it. */
export interface SignedSegment {
  readonly segment: Segment;
  readonly digest: Hex;
  readonly alg: number;
  readonly signature: Uint8Array;
  readonly signer: Hex;
}

/** A signed segment with what it covers. */
export interface SealedSegment {
  readonly signed: SignedSegment;
  readonly secret: Uint8Array;
  readonly readings: Uint8Array;
}

/** The end of a (device, channel) stream: where the next segment must continue. */
export interface Head {
  readonly nextSeq: bigint;
  readonly digest: Hex;
}

export const START: Head = { nextSeq: 0n, digest: ZERO_DIGEST };

/** The sequence number that the stream's next reading must carry. */
export function nextSeq(segment: Segment): bigint {
  return segment.firstSeq + BigInt(segment.count);
}

/** The head of a stream after a segment. */
export function headOf(signed: SignedSegment): Head {
  return { nextSeq: nextSeq(signed.segment), digest: signed.digest };
}

/** The EIP-712 digest by which a segment is known. */
export function segmentDigest(s: Segment, domain: Domain): Uint8Array {
  return typedDigest(
    domain, SEGMENT_TYPE, bytesOf(s.device), s.channel, s.firstSeq, s.count, s.tFirst, s.tLast, bytesOf(s.root),
    bytesOf(s.prev), s.beaconBlock, bytesOf(s.beaconHash),
  );
}

/** Find who signed a segment. Throws algorithm_unknown or signature_malformed; the key's right is judged elsewhere. */
export function signedSegment(
  segment: Segment,
  { alg, signature }: { readonly alg: number; readonly signature: Uint8Array },
  domain: Domain,
  keys: PublicKeys,
): SignedSegment {
  const digest = segmentDigest(segment, domain);
  const signer = signerOf(digest, { alg, signature, device: segment.device }, keys);
  return { segment, digest: toHex(digest), alg, signature, signer };
}

/** Read a signed segment out of its fields and find its signer. */
export function signedFromFields(fields: Fields, domain: Domain, keys: PublicKeys): SignedSegment {
  const segment: Segment = {
    device: fields.hex("device", 20),
    channel: fields.small("channel", 0, 0xffff),
    firstSeq: fields.int("firstSeq", 0n, U64_MAX),
    count: fields.small("count", 0, U32_MAX),
    tFirst: fields.int("tFirst", 0n, U64_MAX),
    tLast: fields.int("tLast", 0n, U64_MAX),
    root: fields.hex("root", 32),
    prev: fields.hex("prev", 32),
    beaconBlock: fields.int("beaconBlock", 0n, U64_MAX),
    beaconHash: fields.hex("beaconHash", 32),
  };
  const alg = fields.small("alg", 0, 255);
  return signedSegment(segment, { alg, signature: fields.bytes("signature") }, domain, keys);
}

/** Refuse a segment that does not continue the stream at `head` (protocol 3.3). Throws stream_broken. */
export function checkContinues(head: Head, segment: Segment): void {
  if (segment.firstSeq === head.nextSeq && segment.prev === head.digest) return;
  throw new RuleError("stream_broken", {
    device: segment.device, channel: segment.channel, want_first_seq: head.nextSeq, got_first_seq: segment.firstSeq,
    want_prev: head.digest, got_prev: segment.prev,
  });
}

/** Whether two signed segments are an equivocation (protocol 3.5). */
export function conflicts(a: SignedSegment, b: SignedSegment): boolean {
  const [x, y] = [a.segment, b.segment];
  if (a.signer !== b.signer || x.device !== y.device || x.channel !== y.channel || a.digest === b.digest) return false;
  const [low, high] = [x.firstSeq > y.firstSeq ? x.firstSeq : y.firstSeq, nextSeq(x) < nextSeq(y) ? nextSeq(x) : nextSeq(y)];
  return x.prev === y.prev || low < high;
}

/** The readings' bytes in their 64-byte pieces; a rest stays as a short last piece. */
export function splitReadings(raw: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < raw.length; at += READING_SIZE) pieces.push(raw.subarray(at, at + READING_SIZE));
  return pieces;
}

/** Check that the readings are those that the segment covers, and return them (protocol 3.2). Throws RuleError. */
export function checkContents({ signed: { segment }, secret, readings: raw }: SealedSegment): readonly Reading[] {
  shape(segment, "count", segment.count, Math.floor(raw.length / READING_SIZE));
  shape(segment, "bytes", segment.count * READING_SIZE, raw.length);
  const pieces = splitReadings(raw);
  const root = toHex(rootOf(pieces.map(leafHash)));
  if (root !== segment.root) {
    throw new RuleError("root_wrong", {
      device: segment.device, channel: segment.channel, first_seq: segment.firstSeq, want_root: segment.root, got_root: root,
    });
  }
  const readings = pieces.map(decodeReading);
  checkReadings(segment, readings, secret);
  return readings;
}

function checkReadings(segment: Segment, readings: readonly Reading[], secret: Uint8Array): void {
  if (segment.count > MOST_READINGS) shape(segment, "count", MOST_READINGS, segment.count);
  const salt = salts(secret);
  for (const [at, reading] of readings.entries()) {
    shape(segment, "channel", segment.channel, reading.channel);
    shape(segment, "seq", segment.firstSeq + BigInt(at), reading.seq);
    if (!same(reading.salt, salt(reading.channel, reading.seq))) {
      throw new RuleError("salt_wrong", { channel: reading.channel, seq: reading.seq });
    }
    const before = readings[at - 1];
    if (before) checkFollows(before, reading);
  }
  const [first, last] = [readings[0], readings.at(-1)];
  if (first && last) {
    shape(segment, "t_first_ms", first.tMs, segment.tFirst);
    shape(segment, "t_last_ms", last.tMs, segment.tLast);
    return;
  }
  if (toHex(secret) !== ZERO_DIGEST) {
    throw new RuleError("salt_wrong", { channel: segment.channel, seq: segment.firstSeq });
  }
  shape(segment, "t_first_ms", segment.tLast, segment.tFirst);
}

function shape(segment: Segment, field: string, want: number | bigint, got: number | bigint): void {
  if (want === got) return;
  throw new RuleError("segment_shape_wrong", { device: segment.device, channel: segment.channel, field, want, got });
}
