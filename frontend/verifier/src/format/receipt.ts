/** Receipts (protocol 4.7): one reading in clear and all that ties it to a checkpoint on chain; no other reading. */

import { bytesOf, fromHex } from "../bytes.ts";
import type { Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields, malformed } from "../fields.ts";
import type { Hex, Reading } from "../values.ts";
import type { Deployment } from "./deployment.ts";
import { segmentEntry } from "./entry.ts";
import { hexField, hexText } from "./json.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { decodeReading } from "./reading.ts";
import { type Segment, type SignedSegment, signedSegment } from "./segment.ts";
import type { PublicKeys } from "./signature.ts";

const SAFE = Number.MAX_SAFE_INTEGER;

/** Where the receipt says that its checkpoint stands on chain; the verifier looks there itself. */
export interface CheckpointClaim {
  readonly epoch: number;
  readonly root: Hex;
  readonly manifest: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly logIndex: number;
}

export interface Receipt {
  readonly chainId: bigint;
  readonly anchorLog: Hex;
  readonly reading: Uint8Array;
  readonly readingProof: readonly Uint8Array[];
  readonly segment: Segment;
  readonly alg: number;
  readonly signature: Uint8Array;
  readonly entryIndex: number;
  readonly treeSize: number;
  readonly logProof: readonly Uint8Array[];
  readonly checkpoint: CheckpointClaim;
}

/** What a receipt proves short of the chain. */
export interface ProvenReading {
  readonly reading: Reading;
  readonly signed: SignedSegment;
  readonly checkpoint: CheckpointClaim;
  readonly treeSize: number;
}

/** Read a receipt strictly. Throws RuleError plain_malformed or bad_hex. */
export function receiptOf(value: Plain): Receipt {
  const fields = new Fields(value, "receipt");
  fields.small("v", 1, 1);
  const receipt: Receipt = {
    chainId: fields.int("chainId"),
    anchorLog: hexField(fields, "anchorLog", 20),
    reading: rawField(fields, "reading"),
    readingProof: proofField(fields, "readingProof"),
    segment: segmentOf(fields.map("segment")),
    alg: fields.small("alg", 0, 255),
    signature: rawField(fields, "signature"),
    entryIndex: fields.small("entryIndex", 0, SAFE),
    treeSize: fields.small("treeSize", 0, SAFE),
    logProof: proofField(fields, "logProof"),
    checkpoint: checkpointOf(fields.map("checkpoint")),
  };
  fields.finish();
  return receipt;
}

/** Check all of a receipt that needs no chain: place, reading, segment root, signature, entry, log root. Throws RuleError. */
export function verifyReceipt(receipt: Receipt, deployment: Deployment, keys: PublicKeys): ProvenReading {
  const { segment, treeSize, checkpoint } = receipt;
  checkPlace(receipt, deployment);
  const reading = decodeReading(receipt.reading);
  const index = reading.seq - segment.firstSeq;
  if (reading.channel !== segment.channel || index < 0n || index >= BigInt(segment.count)) {
    throw new RuleError("segment_shape_wrong", {
      device: segment.device, channel: segment.channel, field: "seq", want: segment.firstSeq, got: reading.seq,
    });
  }
  verifyInclusion(leafHash(receipt.reading), {
    index, size: BigInt(segment.count), proof: receipt.readingProof, root: bytesOf(segment.root),
  });
  const signed = signedSegment(segment, receipt, deployment.domain, keys);
  verifyInclusion(leafHash(segmentEntry(signed).raw), {
    index: BigInt(receipt.entryIndex), size: BigInt(treeSize), proof: receipt.logProof, root: bytesOf(checkpoint.root),
  });
  return { reading, signed, checkpoint, treeSize };
}

function checkPlace(receipt: Receipt, deployment: Deployment): void {
  const foreign = (field: string, want: string, got: string) => new RuleError("receipt_foreign", { field, want, got });
  if (receipt.chainId !== deployment.chainId) throw foreign("chainId", `${deployment.chainId}`, `${receipt.chainId}`);
  const want = deployment.contracts.AnchorLog.address;
  if (receipt.anchorLog !== want) throw foreign("anchorLog", want, receipt.anchorLog);
}

function segmentOf(fields: Fields): Segment {
  const segment: Segment = {
    device: hexField(fields, "device", 20),
    channel: fields.small("channel", 0, 0xffff),
    firstSeq: fields.int("firstSeq"),
    count: fields.small("count"),
    tFirst: fields.int("tFirst"),
    tLast: fields.int("tLast"),
    root: hexField(fields, "root", 32),
    prev: hexField(fields, "prev", 32),
    beaconBlock: fields.int("beaconBlock"),
    beaconHash: hexField(fields, "beaconHash", 32),
  };
  fields.finish();
  return segment;
}

function checkpointOf(fields: Fields): CheckpointClaim {
  const claim = {
    epoch: fields.small("epoch", 0, SAFE),
    root: hexField(fields, "root", 32),
    manifest: hexField(fields, "manifest", 32),
    blockNumber: fields.small("blockNumber", 0, SAFE),
    blockHash: hexField(fields, "blockHash", 32),
    logIndex: fields.small("logIndex", 0, SAFE),
  };
  fields.finish();
  return claim;
}

function rawField(fields: Fields, name: string): Uint8Array {
  const text = fields.str(name);
  const bytes = fromHex(text);
  if (bytes === null) throw malformed("receipt", name, "0x-prefixed hex", text);
  return bytes;
}

function proofField(fields: Fields, name: string): readonly Uint8Array[] {
  return fields.list(name).map((item) => bytesOf(hexText(typeof item === "string" ? item : "", name, 32)));
}
