/** A receipt verified with an RPC address and the pinned deployment (protocol 4.7): nobody else is asked. */

import type { Plain } from "../cbor.ts";
import { checkIdentity } from "../chain/identity.ts";
import { gather, type Facts, type Progress } from "../chain/facts.ts";
import type { Rpc } from "../chain/rpc.ts";
import { Diverged, expect, judged, RuleError, Unread } from "../error.ts";
import type { Deployment } from "../format/deployment.ts";
import { type ProvenReading, type Receipt, receiptOf, verifyReceipt } from "../format/receipt.ts";
import { noKeys, type PublicKeys } from "../format/signature.ts";
import { type Channel, type Hex, METER } from "../values.ts";
import { type Checkpoint, checkpointsOf } from "./checkpoints.ts";
import { checkWalk, Keyring } from "./keys.ts";
import { checkState } from "./state.ts";
import { type DivergencePlain, divergencePlain, type Outcome, unreadOf } from "./verdict.ts";

/** How many blocks stand above a checkpoint before a receipt counts, unless the caller says otherwise. */
export const FINALITY_BLOCKS = 2;

const PLACE = "protocol 4.7.1: a receipt for the pinned contract";
const PROOF = "protocol 4.7.2: the receipt proves the reading up to the log's root";
const CHECKPOINT = "protocol 4.7.3: the pinned log recorded the checkpoint";
const KEY = "protocol 4.7.4: a confirmed key of the device signed before its first checkpoint";
const BINDING = "protocol 4.7.4: the channel is bound to a station";

/** A reading that a receipt proves, as JSON values; `c` and `d` are texts, because registers may pass 2^53. */
export interface ReadingPlain {
  readonly station: number;
  readonly device: Hex;
  readonly channel: number;
  readonly kind: "meter" | "battery";
  readonly seq: number;
  readonly tMs: number;
  readonly flags: number;
  readonly a: number;
  readonly b: number;
  readonly c: string;
  readonly d: string;
  readonly signer: Hex;
  readonly epoch: number;
  readonly block: number;
  readonly blockTimeS: number;
  readonly root: Hex;
}

/** What became of a receipt. */
export interface ReceiptVerdict {
  readonly verdict: Outcome;
  readonly reading: ReadingPlain | null;
  readonly divergence: DivergencePlain | null;
  readonly unread: { readonly what: string; readonly why: string } | null;
}

/** What a verification starts from; `depth` is how many blocks must stand above the checkpoint's. */
export interface ReceiptQuestion {
  readonly receipt: Plain;
  readonly rpc: Rpc;
  readonly deployment: Deployment;
  readonly depth: number;
  readonly progress: Progress;
}

/** Verify a receipt; whatever is found, or cannot be read, is in the verdict. */
export async function receiptVerdict(question: ReceiptQuestion): Promise<ReceiptVerdict> {
  try {
    return { verdict: "pass", reading: await verified(question), divergence: null, unread: null };
  } catch (error) {
    const unread = unreadOf(error);
    const divergence = error instanceof Diverged ? divergencePlain(error) : null;
    return { verdict: divergence ? "fail" : "unread", reading: null, divergence, unread };
  }
}

async function verified({ receipt: plain, rpc, deployment, depth, progress }: ReceiptQuestion): Promise<ReadingPlain> {
  const receipt = judged(PROOF, {}, () => receiptOf(plain));
  proven(receipt, deployment, noKeys);
  progress("receipt", 1, 1);
  await checkIdentity(rpc, deployment);
  progress("identity", 1, 1);
  const facts = await gather(rpc, deployment, { day: null, depth: 0, progress, prove: false });
  checkWalk(facts);
  checkState(facts.events, facts.slots, null);
  const keyring = new Keyring(facts);
  const found = proven(receipt, deployment, keyring.publicKeys);
  const checkpoint = checkpointOf(facts, found, depth);
  const first = checkpointsOf(facts).find(({ size }) => size > receipt.entryIndex) ?? checkpoint;
  const channel = bindingOf(keyring, found);
  const { signed, reading } = found;
  const standing = keyring.standing(channel.device, signed.signer, first.at);
  if (standing !== "valid") {
    const where = { station: channel.station, device: channel.device, channel: channel.channel, seq: reading.seq };
    throw new Diverged(KEY, "a key valid there", `${signed.signer} (${standing})`, where);
  }
  progress("key", 1, 1);
  return readingPlain(found, channel, checkpoint, first);
}

/** The reading as far as it is proved without the chain, and by which of the chain's keys. */
function proven(receipt: Receipt, deployment: Deployment, keys: PublicKeys): ProvenReading {
  const { device, channel, firstSeq } = receipt.segment;
  return judged(PROOF, { device, channel, seq: firstSeq }, () => {
    try {
      return verifyReceipt(receipt, deployment, keys);
    } catch (error) {
      if (!(error instanceof RuleError) || error.code !== "receipt_foreign") throw error;
      const { field, want, got } = error.facts;
      throw new Diverged(`${PLACE} (${field as string})`, `${want as string}`, `${got as string}`, {});
    }
  });
}

/** The event that the receipt names: same place, same content, deep enough. */
function checkpointOf(facts: Facts, { checkpoint: claim, treeSize }: ProvenReading, depth: number): Checkpoint {
  const where = { epoch: claim.epoch };
  const event = checkpointsOf(facts).find(
    ({ at }) => at.blockNumber === claim.blockNumber && at.logIndex === claim.logIndex,
  );
  if (event === undefined) {
    const got = `no checkpoint at block ${claim.blockNumber}, log ${claim.logIndex}`;
    throw new Diverged(CHECKPOINT, `epoch ${claim.epoch}`, got, where);
  }
  for (const [name, want, got] of [
    ["block hash", event.at.blockHash, claim.blockHash],
    ["epoch", event.epoch, claim.epoch],
    ["size", event.size, treeSize],
    ["root", event.root, claim.root],
    ["manifest", event.manifest, claim.manifest],
  ] as const) {
    expect(`${CHECKPOINT} (${name})`, want, got, where);
  }
  const above = facts.head.number - event.at.blockNumber;
  if (above < depth) {
    throw new Unread("checkpoint", `${above} blocks stand above block ${event.at.blockNumber}, want ${depth}`);
  }
  return event;
}

function bindingOf(keyring: Keyring, { signed: { segment }, reading }: ProvenReading): Channel {
  const bound = keyring.channels.findLast(
    ({ device, channel, fromMs, toMs }) =>
      device === segment.device && channel === segment.channel && fromMs <= reading.tMs && (toMs === 0n || reading.tMs <= toMs),
  );
  if (bound !== undefined) return bound;
  const where = { device: segment.device, channel: segment.channel, seq: reading.seq };
  throw new Diverged(BINDING, "a binding at the reading's time", "none", where);
}

function readingPlain(
  { reading: r, signed }: ProvenReading,
  channel: Channel,
  checkpoint: Checkpoint,
  first: Checkpoint,
): ReadingPlain {
  return {
    station: channel.station, device: signed.segment.device, channel: r.channel,
    kind: channel.kind === METER ? "meter" : "battery", seq: Number(r.seq), tMs: Number(r.tMs), flags: r.flags, a: r.a,
    b: r.b, c: `${r.c}`, d: `${r.d}`, signer: signed.signer, epoch: first.epoch, block: checkpoint.at.blockNumber,
    blockTimeS: checkpoint.at.timestampS, root: checkpoint.root,
  };
}
