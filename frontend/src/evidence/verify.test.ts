/** A receipt is proven step by step, and each thing that is not as it should be ends it with its own reason (protocol 4.7). */

import { encodeAbiParameters, encodeEventTopics, keccak256, pad, parseAbi, toHex as numberToHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { beforeAll, describe, expect, it } from "vitest";
import { concat, fromHex, toHex } from "./bytes.ts";
import { CONTRACTS, type Deployment, deploymentOf } from "./deployment.ts";
import { leafHash, nodeHash } from "./merkle.ts";
import type { RefusalCode } from "./refusal.ts";
import type { Ask } from "./rpc.ts";
import { domainOf, type Segment, segmentDigest, segmentEntry } from "./segment.ts";
import { type StepOutcome, verify } from "./verify.ts";

type Hex = `0x${string}`;

const DEVICE = privateKeyToAccount(`0x${"a1".repeat(32)}`);
const DEVICE_ADDRESS = DEVICE.address.toLowerCase() as Hex;
const OWNER: Hex = `0x${"0b".repeat(20)}`;
const CODE: Hex = "0x6001";
const GENESIS: Hex = `0x${"99".repeat(32)}`;
const T_MS = 1_784_045_000_000;
const CHECKPOINT_BLOCK = 40;
const HEAD = 50;
const VERI_KEY: Hex = pad("0x766572694b6579", { dir: "right", size: 32 });

const EVENTS = parseAbi([
  "event Checkpoint(uint48 indexed epoch, uint48 size, bytes32 root, bytes32 manifest)",
  "event SignerFrozen(address indexed device, address indexed signer, uint16 channel, bytes32 first, bytes32 second, uint48 size)",
  "event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange)",
  "event DIDDelegateChanged(address indexed identity, bytes32 delegateType, address delegate, uint256 validTo, uint256 previousChange)",
  "event DeviceEnrolled(address indexed device, address indexed owner, uint32 station, uint256 previousChange)",
  "event DeviceAttested(address indexed device, address indexed attestor, uint256 previousChange)",
  "event ChannelBound(address indexed device, uint16 indexed channel, uint8 kind, uint32 station, uint64 fromTime, uint64 toTime, uint256 previousChange)",
  "event DelegateConfirmed(address indexed device, address indexed delegate, uint256 validTo, address by, uint256 previousChange)",
]);

interface Told {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly block: number;
  readonly logIndex: number;
}

/** A chain of blocks one minute apart that answers like a node; logs are what the test says. */
class Chain {
  logs: Told[] = [];
  head = HEAD;
  chainId = 31337;
  code = CODE;

  readonly ask: Ask = (method, params) => Promise.resolve(this.answer(method, params));

  static timeOf(block: number): number {
    return T_MS / 1000 - 600 + block * 60;
  }

  static hashOf(block: number): Hex {
    return block === 0 ? GENESIS : pad(numberToHex(block), { size: 32 });
  }

  private answer(method: string, params: readonly unknown[]): unknown {
    switch (method) {
      case "eth_chainId":
        return numberToHex(this.chainId);
      case "eth_blockNumber":
        return numberToHex(this.head);
      case "eth_getCode":
        return this.code;
      case "eth_getBlockByNumber": {
        const number = Number(params[0]);
        if (number > this.head) return null;
        return { number: numberToHex(number), hash: Chain.hashOf(number), timestamp: numberToHex(Chain.timeOf(number)) };
      }
      default:
        return this.found(params[0] as { address: Hex; topics: readonly (Hex | null)[]; fromBlock: Hex; toBlock: Hex });
    }
  }

  private found(filter: { address: Hex; topics: readonly (Hex | null)[]; fromBlock: Hex; toBlock: Hex }): unknown {
    return this.logs
      .filter((log) => log.address === filter.address)
      .filter((log) => log.block >= Number(filter.fromBlock) && log.block <= Number(filter.toBlock))
      .filter((log) => filter.topics.every((topic, at) => topic === null || topic === log.topics[at]))
      .map(({ topics, data, block, logIndex }) => ({
        topics, data, blockNumber: numberToHex(block), blockHash: Chain.hashOf(block), logIndex: numberToHex(logIndex),
      }));
  }
}

function pinned(): Record<string, unknown> {
  const contracts = Object.fromEntries(
    CONTRACTS.map((name, at) => [name, { address: address(at + 1), block: 1, codeHash: keccak256(CODE) }]),
  );
  return { v: 1, chainId: 31337, genesisHash: GENESIS, contracts, epochSeconds: 900, startEpoch: 1 };
}

function address(number: number): Hex {
  return pad(numberToHex(number), { size: 20 });
}

const deployment: Deployment = deploymentOf(pinned());
const LOG = deployment.contracts.AnchorLog.address;
const DEVICES = deployment.contracts.DeviceRegistry.address;

function readingBytes(seq: number): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x53, 0x41, 0x52, 0x31, 1, 0, 0, 1]);
  view.setBigUint64(8, BigInt(seq));
  view.setBigUint64(16, BigInt(T_MS + 60_000 * seq));
  view.setInt32(24, -1234);
  return bytes;
}

type Json = Record<string, unknown> & { segment: Record<string, unknown>; checkpoint: Record<string, unknown> };

let good: string;
let treeRoot: Hex;

/** A true receipt of reading 1 of a segment of 3, entry 1 of a log of 2. */
beforeAll(async () => {
  const readings = [0, 1, 2].map(readingBytes);
  const [a, b, c] = await Promise.all(readings.map((reading) => leafHash(reading)));
  if (!a || !b || !c) throw new Error("three leaves");
  const root = toHex(await nodeHash(await nodeHash(a, b), c));
  const segment: Segment = {
    device: DEVICE_ADDRESS, channel: 1, firstSeq: 0n, count: 3, tFirst: BigInt(T_MS), tLast: BigInt(T_MS + 120_000), root,
    prev: `0x${"00".repeat(32)}`, beaconBlock: 10n, beaconHash: Chain.hashOf(10),
  };
  const digest = segmentDigest(segment, domainOf(deployment));
  const full = fromHex(await DEVICE.sign({ hash: digest })) ?? new Uint8Array();
  const signature = full.slice(0, 64);
  signature[32] = (signature[32] ?? 0) | (full[64] === 28 ? 0x80 : 0);
  const entry = await leafHash(segmentEntry(1n, digest, signature));
  const sibling = await leafHash(concat(new Uint8Array([1])));
  treeRoot = toHex(await nodeHash(sibling, entry));
  good = JSON.stringify({
    v: 1, chainId: 31337, anchorLog: LOG, reading: toHex(readings[1] ?? new Uint8Array()),
    readingProof: [toHex(a), toHex(c)],
    segment: { ...segment, firstSeq: 0, tFirst: T_MS, tLast: T_MS + 120_000, beaconBlock: 10 },
    alg: 1, signature: toHex(signature), entryIndex: 1, treeSize: 2, logProof: [toHex(sibling)],
    checkpoint: {
      epoch: 7, root: treeRoot, manifest: `0x${"33".repeat(32)}`, blockNumber: CHECKPOINT_BLOCK,
      blockHash: Chain.hashOf(CHECKPOINT_BLOCK), logIndex: 2,
    },
  });
});

type Named = (typeof EVENTS)[number]["name"];

function told(at: Hex, name: Named, indexed: Record<string, unknown>, types: string, values: readonly unknown[], block: number, logIndex = 0): Told {
  const item = EVENTS.find((event) => event.name === name);
  if (item === undefined) throw new Error(name);
  const topics = encodeEventTopics({ abi: [item], eventName: name, args: indexed } as Parameters<typeof encodeEventTopics>[0]) as Hex[];
  const data = encodeAbiParameters(types.split(",").map((type) => ({ type })), values as unknown[]);
  return { address: at, topics, data, block, logIndex };
}

const device = DEVICE_ADDRESS;
const enrolled = (): Told => told(DEVICES, "DeviceEnrolled", { device, owner: OWNER }, "uint32,uint256", [3, 0n], 5, 1);
const owned = (owner: Hex = OWNER): Told => told(DEVICES, "DIDOwnerChanged", { identity: device }, "address,uint256", [owner, 0n], 5, 0);
const attested = (): Told => told(DEVICES, "DeviceAttested", { device, attestor: OWNER }, "uint256", [5n], 6, 0);
const confirmed = (validTo = 4_000_000_000n, block = 6): Told =>
  told(DEVICES, "DelegateConfirmed", { device, delegate: device }, "uint256,address,uint256", [validTo, OWNER, 5n], block, 2);
const delegate = (validTo: bigint, block: number): Told =>
  told(DEVICES, "DIDDelegateChanged", { identity: device }, "bytes32,address,uint256,uint256", [VERI_KEY, device, validTo, 0n], block);
const bound = (toTime = 0n, block = 7): Told =>
  told(DEVICES, "ChannelBound", { device, channel: 1 }, "uint8,uint32,uint64,uint64,uint256", [1, 3, 1n, toTime, 6n], block);
const checkpoint = (root: Hex = treeRoot): Told =>
  told(LOG, "Checkpoint", { epoch: 7 }, "uint48,bytes32,bytes32", [2, root, `0x${"33".repeat(32)}`], CHECKPOINT_BLOCK, 2);
const frozen = (size: number, block: number): Told =>
  told(LOG, "SignerFrozen", { device, signer: device }, "uint16,bytes32,bytes32,uint48", [1, `0x${"00".repeat(32)}`, `0x${"00".repeat(32)}`, size], block);

function chain(...more: readonly Told[]): Chain {
  const made = new Chain();
  made.logs = [owned(), enrolled(), attested(), confirmed(), bound(), checkpoint(), ...more];
  return made;
}

async function outcomeOf(receiptText: string, on: Chain, finalityBlocks = 2n) {
  const outcomes: StepOutcome[] = [];
  const proven = await verify({ receiptText, deployment, ask: on.ask, finalityBlocks }, (outcome) => outcomes.push(outcome));
  return { proven, outcomes };
}

async function expectRefused(receiptText: string, on: Chain, code: RefusalCode, finalityBlocks = 2n): Promise<void> {
  const { proven, outcomes } = await outcomeOf(receiptText, on, finalityBlocks);
  const last = outcomes.at(-1);
  expect(proven).toBeNull();
  expect(last?.passed === false ? last.refusal.code : "passed").toBe(code);
}

function altered(change: (receipt: Json) => void): string {
  const receipt = JSON.parse(good) as Json;
  change(receipt);
  return JSON.stringify(receipt);
}

function flipped(hex: unknown, at: number): string {
  const text = String(hex);
  const digit = text[at] === "0" ? "1" : "0";
  return text.slice(0, at) + digit + text.slice(at + 1);
}

describe("a true receipt", () => {
  it("passes every step and names the station", async () => {
    const { proven, outcomes } = await outcomeOf(good, chain());
    expect(outcomes.filter((outcome) => !outcome.passed)).toEqual([]);
    expect(outcomes).toHaveLength(12);
    expect(proven).toMatchObject({ station: 3, kind: "meter", reading: { a: -1234, seq: 1n } });
  });

  it("notes a beacon that is not on the chain and a time outside its bracket", async () => {
    const early = new Chain();
    early.logs = [owned(), enrolled(), attested(), confirmed(), bound(), { ...checkpoint(), block: 11 }];
    const moved = altered((r) => Object.assign(r.checkpoint, { blockNumber: 11, blockHash: Chain.hashOf(11) }));
    const { outcomes } = await outcomeOf(moved, early);
    expect(outcomes.at(-1)).toMatchObject({ step: "time", passed: true });
  });
});

describe("a receipt is refused", () => {
  it.each<[RefusalCode, (receipt: Json) => void]>([
    ["receipt_malformed", (r) => delete r["alg"]],
    ["receipt_malformed", (r) => Object.assign(r, { extra: 1 })],
    ["version_unknown", (r) => Object.assign(r, { v: 2 })],
    ["foreign_chain", (r) => Object.assign(r, { chainId: 1 })],
    ["foreign_log", (r) => Object.assign(r, { anchorLog: address(99) })],
    ["reading_size", (r) => Object.assign(r, { reading: "0x00" })],
    ["reading_of_another_channel", (r) => Object.assign(r.segment, { channel: 2 })],
    ["reading_outside_segment", (r) => Object.assign(r.segment, { firstSeq: 5 })],
    ["segment_root", (r) => Object.assign(r, { reading: flipped(r["reading"], 120) })],
    ["proof_shape", (r) => Object.assign(r, { readingProof: [] })],
    ["log_root", (r) => Object.assign(r.segment, { tFirst: T_MS + 1 })],
    ["log_root", (r) => Object.assign(r, { signature: flipped(r["signature"], 10) })],
    ["algorithm_unknown", (r) => Object.assign(r, { alg: 4 })],
    ["checkpoint_missing", (r) => Object.assign(r.checkpoint, { logIndex: 3 })],
    ["checkpoint_differs", (r) => Object.assign(r.checkpoint, { manifest: `0x${"34".repeat(32)}` })],
    ["checkpoint_differs", (r) => Object.assign(r.checkpoint, { blockHash: Chain.hashOf(41) })],
  ])("as %s when altered there", async (code, change) => {
    const { outcomes } = await outcomeOf(altered(change), chain());
    const last = outcomes.at(-1);
    // an altered signature recovers to another key or to none: either way it is not in the log
    const allowed = code === "log_root" ? ["log_root", "signature_no_point"] : [code];
    expect(allowed).toContain(last?.passed === false ? last.refusal.code : "passed");
  });

  it("when it is no JSON", () => expectRefused("{", chain(), "receipt_malformed"));
});

describe("the chain decides", () => {
  const without = (name: Told): Chain => {
    const on = chain();
    on.logs = on.logs.filter((log) => log.topics[0] !== name.topics[0]);
    return on;
  };

  it("another chain, other code, no code", async () => {
    const other = chain();
    other.chainId = 5;
    await expectRefused(good, other, "chain_id");
    const changed = chain();
    changed.code = "0x6002";
    await expectRefused(good, changed, "code_hash");
    changed.code = "0x" as typeof CODE;
    await expectRefused(good, changed, "code_missing");
  });
  it("no such checkpoint", () => expectRefused(good, without(checkpoint()), "checkpoint_missing"));
  it("a checkpoint not deep enough", () => expectRefused(good, chain(), "checkpoint_shallow", 11n));
  it("a device not enrolled", () => expectRefused(good, without(enrolled()), "device_not_enrolled"));
  it("a device not attested", () => expectRefused(good, without(attested()), "device_not_attested"));
  it("a key never confirmed, though ERC-1056 lists it", async () => {
    const on = without(confirmed());
    on.logs.push(delegate(4_000_000_000n, 8));
    await expectRefused(good, on, "key_not_confirmed");
  });
  it("a key confirmed only after the checkpoint", async () => {
    const on = without(confirmed());
    on.logs.push(confirmed(4_000_000_000n, 45));
    await expectRefused(good, on, "key_not_confirmed");
  });
  it("a key that is the owner's", async () => {
    const on = chain({ ...owned(DEVICE_ADDRESS), block: 9 });
    await expectRefused(good, on, "key_is_owner");
  });
  it("a key revoked before the checkpoint", () => expectRefused(good, chain(delegate(BigInt(Chain.timeOf(20) - 1), 20)), "key_expired"));
  it("a key revoked after it still counts", async () => {
    expect((await outcomeOf(good, chain(delegate(BigInt(Chain.timeOf(45) - 1), 45)))).proven).not.toBeNull();
  });
  it("a life lengthened by plain ERC-1056 counts for nothing", async () => {
    const on = without(confirmed());
    on.logs.push(confirmed(BigInt(Chain.timeOf(20))), delegate(4_000_000_000n, 21));
    await expectRefused(good, on, "key_expired");
  });
  it("a key frozen before the entry", () => expectRefused(good, chain(frozen(1, 30)), "key_frozen"));
  it("a key frozen after the entry still counts", async () => {
    expect((await outcomeOf(good, chain(frozen(2, 30)))).proven).not.toBeNull();
  });
  it("a channel not bound, or not any more", async () => {
    await expectRefused(good, without(bound()), "channel_not_bound");
    await expectRefused(good, chain(bound(2n, 8)), "channel_not_bound");
  });
});
