/** Verifying a receipt in the order of protocol 4.7: place, bytes, signature, log, then the chain itself. Nobody is believed. */

import { decodeEventLog, keccak256, parseAbi, toEventSelector } from "viem/utils";
import { equal, fromHex, toHex } from "./bytes.ts";
import type { ContractName, Deployment } from "./deployment.ts";
import { leafHash, rootOfProof } from "./merkle.ts";
import { batteryWord, type ChannelKind, decodeReading, type Reading } from "./reading.ts";
import { parseReceipt, type Receipt } from "./receipt.ts";
import { type Facts, Refusal } from "./refusal.ts";
import { type Ask, block, chainId, code, headNumber, logs, type RawLog } from "./rpc.ts";
import { domainOf, recoverSigner, segmentDigest, segmentEntry } from "./segment.ts";
import { bindingAt, type Place, type Standing, standingAt, type Subject } from "./standing.ts";

/** The steps, in the order in which they are taken. */
export const STEPS = [
  "form", "place", "reading", "segment", "signature", "log", "chain", "checkpoint", "depth", "key", "channel", "time",
] as const;
export type StepName = (typeof STEPS)[number];

/** A step that passed, or that ended the verification; `note` marks something a reader should know. */
export type StepOutcome =
  | { readonly step: StepName; readonly passed: true; readonly facts: Facts; readonly note?: NoteCode }
  | { readonly step: StepName; readonly passed: false; readonly refusal: Refusal };
export type NoteCode = "key_disputed" | "beacon_absent" | "beacon_foreign" | "time_outside_bracket" | "flags_set";

/** What was proven, once every step passed. */
export interface Proven {
  readonly reading: Reading;
  readonly kind: ChannelKind;
  readonly station: number;
  readonly soc: ReturnType<typeof batteryWord> | null;
}

const CHECKPOINT_EVENTS = parseAbi(["event Checkpoint(uint48 indexed epoch, uint48 size, bytes32 root, bytes32 manifest)"]);
const CHECKPOINT = toEventSelector(CHECKPOINT_EVENTS[0]);
const TRUSTED: readonly ContractName[] = ["AllianceRegistry", "DeviceRegistry", "AnchorLog"];
const CLOCK_SLACK_S = 5n;

/** What a verifier needs: the receipt's text, the pinned deployment, a node, and F. */
export interface Question {
  readonly receiptText: string;
  readonly deployment: Deployment;
  readonly ask: Ask;
  readonly finalityBlocks: bigint;
}

/** Take the steps one after the other, telling each outcome; the last may be a refusal. Returns what was proven, or null. */
export async function verify(question: Question, tell: (outcome: StepOutcome) => void): Promise<Proven | null> {
  let step: StepName = "form";
  const pass = (facts: Facts, note?: NoteCode): void => {
    tell({ step, passed: true, facts, ...(note === undefined ? {} : { note }) });
    step = STEPS[STEPS.indexOf(step) + 1] ?? "time";
  };
  try {
    return await walk(question, pass);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell({ step, passed: false, refusal: error });
    return null;
  }
}

async function walk(
  { receiptText, deployment, ask, finalityBlocks }: Question,
  pass: (facts: Facts, note?: NoteCode) => void,
): Promise<Proven> {
  const receipt = parseReceipt(receiptText);
  pass({ bytes: `${receiptText.length}` });
  checkPlace(receipt, deployment);
  pass({ chainId: `${deployment.chainId}`, anchorLog: receipt.anchorLog });
  const reading = checkReading(receipt);
  pass({ channel: `${reading.channel}`, seq: `${reading.seq}` }, reading.flags === 0 ? undefined : "flags_set");
  pass({ root: await checkSegmentRoot(receipt, reading) });
  const digest = segmentDigest(receipt.segment, domainOf(deployment));
  const key = await recoverSigner(digest, receipt);
  pass({ digest, key });
  await checkLogRoot(receipt, digest);
  pass({ index: `${receipt.entryIndex}`, size: `${receipt.treeSize}`, root: receipt.checkpoint.root });
  const head = await checkChain(ask, deployment);
  pass({ chainId: `${deployment.chainId}`, head: `${head}`, contracts: TRUSTED.join(", ") });
  const first = await checkCheckpoint(ask, deployment, receipt);
  pass({ epoch: `${receipt.checkpoint.epoch}`, block: `${receipt.checkpoint.blockNumber}` });
  pass(checkDepth(receipt, head, finalityBlocks));
  const subject: Subject = { device: receipt.segment.device, key, channel: receipt.segment.channel };
  const anchoredAtS = (await blockAt(ask, first.blockNumber)).timestampS;
  const standing = await standingAt(ask, deployment, subject, { place: first, head });
  checkKey(standing, subject, { anchoredAtS, entryIndex: receipt.entryIndex });
  pass(keyFacts(standing, subject), disputed(standing, receipt) ? "key_disputed" : undefined);
  const bracket = await bracketOf(ask, receipt, anchoredAtS);
  const binding = bindingAt(standing, bracket.effectiveMs / 1000n, subject);
  pass({ station: `${binding.station}`, channel: `${subject.channel}`, kind: binding.kind });
  pass(bracket.facts, bracket.note);
  const soc = binding.kind === "battery" ? batteryWord(reading.b) : null;
  return { reading, kind: binding.kind, station: binding.station, soc };
}

function checkPlace(receipt: Receipt, deployment: Deployment): void {
  if (receipt.chainId !== deployment.chainId) {
    throw new Refusal("foreign_chain", { want: `${deployment.chainId}`, got: `${receipt.chainId}` });
  }
  const want = deployment.contracts.AnchorLog.address;
  if (receipt.anchorLog !== want) throw new Refusal("foreign_log", { want, got: receipt.anchorLog });
}

function checkReading(receipt: Receipt): Reading {
  const reading = decodeReading(receipt.reading);
  const { channel, firstSeq, count } = receipt.segment;
  if (reading.channel !== channel) {
    throw new Refusal("reading_of_another_channel", { want: `${channel}`, got: `${reading.channel}` });
  }
  if (reading.seq < firstSeq || reading.seq >= firstSeq + BigInt(count)) {
    throw new Refusal("reading_outside_segment", {
      first: `${firstSeq}`, last: `${firstSeq + BigInt(count) - 1n}`, got: `${reading.seq}`,
    });
  }
  return reading;
}

async function checkSegmentRoot(receipt: Receipt, reading: Reading): Promise<string> {
  const { segment } = receipt;
  const leaf = await leafHash(receipt.reading);
  const got = toHex(
    await rootOfProof(leaf, {
      index: reading.seq - segment.firstSeq, size: BigInt(segment.count), proof: receipt.readingProof,
    }),
  );
  if (got !== segment.root) throw new Refusal("segment_root", { want: segment.root, got });
  return got;
}

async function checkLogRoot(receipt: Receipt, digest: `0x${string}`): Promise<void> {
  const leaf = await leafHash(segmentEntry(receipt.alg, digest, receipt.signature));
  const root = await rootOfProof(leaf, { index: receipt.entryIndex, size: receipt.treeSize, proof: receipt.logProof });
  const want = fromHex(receipt.checkpoint.root) ?? new Uint8Array();
  if (!equal(root, want)) throw new Refusal("log_root", { want: receipt.checkpoint.root, got: toHex(root) });
}

async function checkChain(ask: Ask, deployment: Deployment): Promise<bigint> {
  const id = await chainId(ask);
  if (id !== deployment.chainId) throw new Refusal("chain_id", { want: `${deployment.chainId}`, got: `${id}` });
  const genesis = await block(ask, 0n);
  if (genesis?.hash !== deployment.genesisHash) {
    throw new Refusal("genesis", { want: deployment.genesisHash, got: genesis?.hash ?? "–" });
  }
  for (const name of TRUSTED) await checkCode(ask, name, deployment);
  return headNumber(ask);
}

async function checkCode(ask: Ask, name: ContractName, deployment: Deployment): Promise<void> {
  const { address, codeHash } = deployment.contracts[name];
  const runtime = await code(ask, address);
  if (runtime === "0x") throw new Refusal("code_missing", { name, address });
  const got = keccak256(runtime);
  if (got !== codeHash) throw new Refusal("code_hash", { name, want: codeHash, got });
}

/** Find the claimed checkpoint at the pinned log, and the first one that covers the entry: keys are judged there. */
async function checkCheckpoint(ask: Ask, deployment: Deployment, receipt: Receipt): Promise<Place> {
  const { AnchorLog } = deployment.contracts;
  const claim = receipt.checkpoint;
  const told = await logs(ask, {
    address: AnchorLog.address, topics: [CHECKPOINT], fromBlock: AnchorLog.block, toBlock: claim.blockNumber,
  });
  const claimed = told.find((log) => log.blockNumber === claim.blockNumber && log.logIndex === claim.logIndex);
  if (claimed === undefined) {
    throw new Refusal("checkpoint_missing", {
      block: `${claim.blockNumber}`, logIndex: `${claim.logIndex}`, address: AnchorLog.address,
    });
  }
  const event = checkpointOf(claimed);
  same("epoch", `${claim.epoch}`, `${event.epoch}`);
  same("size", `${receipt.treeSize}`, `${event.size}`);
  same("root", claim.root, event.root);
  same("manifest", claim.manifest, event.manifest);
  same("blockHash", claim.blockHash, claimed.blockHash);
  return told.find((log) => BigInt(checkpointOf(log).size) > receipt.entryIndex) ?? claimed;
}

function checkpointOf(log: RawLog) {
  const [first, ...rest] = log.topics;
  return decodeEventLog({ abi: CHECKPOINT_EVENTS, data: log.data, topics: [first ?? "0x", ...rest] }).args;
}

function same(field: string, want: string, got: string): void {
  if (want !== got) throw new Refusal("checkpoint_differs", { field, want, got });
}

function checkDepth(receipt: Receipt, head: bigint, finalityBlocks: bigint): Facts {
  const depth = head - receipt.checkpoint.blockNumber;
  const facts = { depth: `${depth}`, want: `${finalityBlocks}` };
  if (depth < finalityBlocks) throw new Refusal("checkpoint_shallow", facts);
  return facts;
}

function checkKey(
  standing: Standing,
  { device, key }: Subject,
  { anchoredAtS, entryIndex }: { readonly anchoredAtS: bigint; readonly entryIndex: bigint },
): void {
  if (!standing.enrolled) throw new Refusal("device_not_enrolled", { device });
  if (!standing.attested) throw new Refusal("device_not_attested", { device });
  if (standing.keyValidTo === null) throw new Refusal("key_not_confirmed", { device, key });
  if (standing.owner === key) throw new Refusal("key_is_owner", { device, key });
  if (standing.keyValidTo <= anchoredAtS) {
    throw new Refusal("key_expired", { key, validTo: `${standing.keyValidTo}`, at: `${anchoredAtS}` });
  }
  if (standing.keyFrozenAtSize !== null && entryIndex >= standing.keyFrozenAtSize) {
    throw new Refusal("key_frozen", { key, size: `${standing.keyFrozenAtSize}` });
  }
}

function keyFacts(standing: Standing, { device, key }: Subject): Facts {
  return { device, key, validTo: `${standing.keyValidTo}`, owner: standing.owner ?? "–" };
}

function disputed(standing: Standing, receipt: Receipt): boolean {
  return standing.disputedSince !== null && receipt.checkpoint.epoch >= standing.disputedSince;
}

/** The bracket of the reading's time (protocol 3.8): between its beacon and its first checkpoint. */
async function bracketOf(
  ask: Ask,
  receipt: Receipt,
  anchoredAtS: bigint,
): Promise<{ readonly effectiveMs: bigint; readonly facts: Facts; readonly note?: NoteCode }> {
  const tMs = decodeReading(receipt.reading).tMs;
  const latestMs = (anchoredAtS + CLOCK_SLACK_S) * 1000n;
  const beacon = await beaconOf(ask, receipt);
  const earliestMs = typeof beacon === "bigint" ? (beacon - CLOCK_SLACK_S) * 1000n : 0n;
  const effectiveMs = tMs < earliestMs ? earliestMs : tMs > latestMs ? latestMs : tMs;
  const facts = { tMs: `${tMs}`, earliestMs: `${earliestMs}`, latestMs: `${latestMs}` };
  if (effectiveMs !== tMs) return { effectiveMs, facts, note: "time_outside_bracket" };
  return typeof beacon === "bigint" ? { effectiveMs, facts } : { effectiveMs, facts, note: beacon };
}

async function beaconOf(ask: Ask, { segment }: Receipt): Promise<bigint | NoteCode> {
  if (segment.beaconBlock === 0n) return "beacon_absent";
  const found = await block(ask, segment.beaconBlock);
  return found?.hash === segment.beaconHash ? found.timestampS : "beacon_foreign";
}

async function blockAt(ask: Ask, number: bigint) {
  const found = await block(ask, number);
  if (found === null) throw new Refusal("rpc_refused", { method: "eth_getBlockByNumber", why: `${number}` });
  return found;
}
