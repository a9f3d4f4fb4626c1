/** Receipts (protocol 4.7): one reading in clear and all that ties it to a checkpoint on chain; read strictly. */

import { toHex } from "./bytes.ts";
import { Fields } from "./fields.ts";
import { Refusal } from "./refusal.ts";
import type { Segment } from "./segment.ts";

/** Where a receipt says that its checkpoint stands; the verifier looks there itself. */
export interface CheckpointClaim {
  readonly epoch: bigint;
  readonly root: `0x${string}`;
  readonly manifest: `0x${string}`;
  readonly blockNumber: bigint;
  readonly blockHash: `0x${string}`;
  readonly logIndex: bigint;
}

export interface Receipt {
  readonly chainId: bigint;
  readonly anchorLog: `0x${string}`;
  readonly reading: Uint8Array;
  readonly readingProof: readonly Uint8Array[];
  readonly segment: Segment;
  readonly alg: bigint;
  readonly signature: Uint8Array;
  readonly entryIndex: bigint;
  readonly treeSize: bigint;
  readonly logProof: readonly Uint8Array[];
  readonly checkpoint: CheckpointClaim;
}

/** Read a receipt's JSON text. Throws Refusal. */
export function parseReceipt(text: string): Receipt {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal("receipt_malformed", { where: "receipt", want: "JSON", got: String(error) });
  }
  return receiptOf(value);
}

/** Read a receipt from its JSON value. Throws Refusal. */
export function receiptOf(value: unknown): Receipt {
  const fields = new Fields(value, "receipt", "receipt_malformed");
  const version = fields.int("v");
  if (version !== 1n) throw new Refusal("version_unknown", { want: "1", got: `${version}` });
  const receipt = {
    chainId: fields.int("chainId"),
    anchorLog: toHex(fields.bytes("anchorLog", 20)),
    reading: fields.bytes("reading"),
    readingProof: fields.hashes("readingProof"),
    segment: segmentOf(fields.map("segment")),
    alg: fields.int("alg"),
    signature: fields.bytes("signature"),
    entryIndex: fields.int("entryIndex"),
    treeSize: fields.int("treeSize"),
    logProof: fields.hashes("logProof"),
    checkpoint: checkpointOf(fields.map("checkpoint")),
  };
  fields.finish();
  return receipt;
}

function segmentOf(fields: Fields): Segment {
  const segment = {
    device: toHex(fields.bytes("device", 20)),
    channel: Number(fields.int("channel")),
    firstSeq: fields.int("firstSeq"),
    count: Number(fields.int("count")),
    tFirst: fields.int("tFirst"),
    tLast: fields.int("tLast"),
    root: toHex(fields.bytes("root", 32)),
    prev: toHex(fields.bytes("prev", 32)),
    beaconBlock: fields.int("beaconBlock"),
    beaconHash: toHex(fields.bytes("beaconHash", 32)),
  };
  fields.finish();
  return segment;
}

function checkpointOf(fields: Fields): CheckpointClaim {
  const claim = {
    epoch: fields.int("epoch"),
    root: toHex(fields.bytes("root", 32)),
    manifest: toHex(fields.bytes("manifest", 32)),
    blockNumber: fields.int("blockNumber"),
    blockHash: toHex(fields.bytes("blockHash", 32)),
    logIndex: fields.int("logIndex"),
  };
  fields.finish();
  return claim;
}
