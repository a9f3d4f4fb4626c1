/** What the chain says, read at one block (protocol 11.1, 11.4): every event of the pinned contracts up to it; state is proved to the header. */

import { dayStartMs } from "../calendar.ts";
import { Diverged, expect, RuleError, Unread } from "../error.ts";
import { CONTRACTS, type ContractName, type Deployment } from "../format/deployment.ts";
import { bigEndian, bytesOf, toHex } from "../bytes.ts";
import { type Hex, ZERO_DIGEST } from "../values.ts";
import { decodeAbi } from "./abi.ts";
import { type ChainEvent, decodeEvent, type EventName, hexOf } from "./events.ts";
import { checkAccount, checkHeader, mappingSlot, type ProvedAccount } from "./proofs.ts";
import { type Header, type RawLog, type Rpc, RpcRefused } from "./rpc.ts";

const RANGE_BLOCKS = 2_000;
const SLOTS_AT_ONCE = 256;
/** Where `DeviceRegistry` keeps `changed`: slots 0 and 1 are ERC-1056's owners and delegates. */
const CHANGED_AT = 2;
const LOG_SLOTS: readonly Hex[] = [toHex(bigEndian(0, 32)), toHex(bigEndian(1, 32))];
const PROVED = "protocol 11.4: the state is proved to the block's header";

/** Told of a step's name, how much of it is done, and how much there is. */
export type Progress = (step: string, done: number, total: number) => void;

/** A block as far as an audit needs it: its hash and its time, unix seconds. */
export interface Instant {
  readonly hash: Hex;
  readonly timestampS: number;
}

/** Blocks by number, each asked for once; `ahead` asks for many at a time. */
export class Headers {
  private readonly known = new Map<number, Promise<Instant | null>>();

  constructor(private readonly rpc: Rpc) {}

  /** The canonical block of that number, null if the chain is not so long. Throws Unread. */
  at(number: number): Promise<Instant | null> {
    let found = this.known.get(number);
    if (found === undefined) {
      found = this.checked(number);
      found.catch(() => undefined);
      this.known.set(number, found);
    }
    return found;
  }

  private async checked(number: number): Promise<Instant | null> {
    const header = await this.rpc.header(number);
    if (header === null) return null;
    try {
      checkHeader(header);
    } catch (error) {
      throw error instanceof RuleError ? new Unread("chain", error.message) : error;
    }
    return header;
  }

  ahead(numbers: Iterable<number>): void {
    for (const number of numbers) void this.at(number);
  }
}

/** The log as the contract keeps it. */
export interface LogState {
  readonly root: Hex;
  readonly size: number;
  readonly epoch: number;
}

/** The chain as an audit sees it. */
export interface Facts {
  readonly deployment: Deployment;
  /** The block up to which everything counts. */
  readonly head: Header;
  readonly log: LogState;
  /** Of all pinned contracts, by (block, log index). */
  readonly events: readonly ChainEvent[];
  readonly headers: Headers;
  /** What the registry froze for the audited day; null when it had not begun, or without one. */
  readonly rosterHash: Hex | null;
  /** Enrolled device → block of its latest change. */
  readonly changed: ReadonlyMap<Hex, number>;
  /** Proved storage that is compared with events; null when nothing was proved. */
  readonly slots: ReadonlyMap<ContractName, ReadonlyMap<Hex, bigint>> | null;
}

/** The events of one kind, in order. */
export function eventsOf(facts: Facts, name: EventName): readonly ChainEvent[] {
  return facts.events.filter((event) => event.name === name);
}

/** How the chain is read; without `prove` the state is the node's word, and no more of it is asked than a receipt needs. */
export interface Reading {
  readonly day: number | null;
  readonly depth: number;
  readonly progress: Progress;
  readonly prove?: boolean;
  /** Further slots to prove, by contract, for what the events say. */
  readonly compared?: (events: readonly ChainEvent[]) => ReadonlyMap<ContractName, readonly Hex[]>;
}

/** Read the chain up to the block `depth` below its newest. Throws Unread or Diverged. */
export async function gather(
  rpc: Rpc,
  deployment: Deployment,
  { day, depth, progress, prove = true, compared = () => new Map() }: Reading,
): Promise<Facts> {
  const newest = await rpc.header("latest");
  if (newest === null) throw new Unread("chain", "the node has no block");
  const head = await rpc.header(Math.max(0, newest.number - depth));
  if (head === null) throw new Unread("chain", `no block ${newest.number - depth}`);
  const headers = new Headers(rpc);
  const events = await readEvents(rpc, deployment, head, headers, progress);
  const enrolled = [...new Set(events.filter(({ name }) => name === "DeviceEnrolled").map((e) => hexOf(e, "device")))].sort();
  const [{ log, changed, slots }, rosterHash] = await Promise.all([
    prove ? provedState(rpc, deployment, head, enrolled, compared(events)) : toldState(rpc, deployment, head, enrolled),
    day === null ? null : frozenRoster(rpc, deployment, day, head),
  ]);
  await requireStanding(rpc, head);
  progress("chain", 1, 1);
  return { deployment, head, log, events, headers, rosterHash, changed, slots };
}

async function readEvents(
  rpc: Rpc,
  deployment: Deployment,
  head: Header,
  headers: Headers,
  progress: Progress,
): Promise<readonly ChainEvent[]> {
  const addresses = Object.values(deployment.contracts).map(({ address }) => address);
  const first = Math.min(...Object.values(deployment.contracts).map(({ block }) => block));
  const ranges: Promise<readonly RawLog[]>[] = [];
  for (let low = first; low <= head.number; low += RANGE_BLOCKS) {
    const high = Math.min(low + RANGE_BLOCKS - 1, head.number);
    const range = rpc.logs(addresses, low, high);
    void range.then(() => progress("chain", high - first, head.number - first + 1), () => undefined);
    ranges.push(range);
  }
  const logs = (await Promise.all(ranges)).flat();
  headers.ahead(new Set(logs.map((log) => log.blockNumber)));
  const events: ChainEvent[] = [];
  for (const [at, log] of logs.entries()) {
    const last = logs[at - 1];
    const after = !last || last.blockNumber < log.blockNumber || (last.blockNumber === log.blockNumber && last.logIndex < log.logIndex);
    if (!after || log.blockNumber < first || log.blockNumber > head.number) {
      throw new Unread("chain", `event ${log.logIndex} of block ${log.blockNumber} is told twice or out of its place`);
    }
    const block = await headers.at(log.blockNumber);
    if (block?.hash !== log.blockHash) {
      throw new Unread("chain", `event of block ${log.blockNumber} belongs to another block than the header`);
    }
    const event = decodeEvent(log, block.timestampS);
    if (event !== null) events.push(event);
  }
  return events;
}

/** The devices' latest changes by the node's word alone; of the log, nothing. */
async function toldState(
  rpc: Rpc,
  deployment: Deployment,
  head: Header,
  enrolled: readonly Hex[],
): Promise<Pick<Facts, "log" | "changed" | "slots">> {
  const registry = deployment.contracts.DeviceRegistry.address;
  const told = await Promise.all(enrolled.map((device) => rpc.call(registry, "changed(address)", [bytesOf(device)], head.number)));
  const changed = enrolled.map((device, at) => [device, Number(BigInt(toHex(told[at] ?? new Uint8Array(1))))] as const);
  return { log: { root: ZERO_DIGEST, size: 0, epoch: 0 }, changed: new Map(changed), slots: null };
}

/** The log's state and the devices' latest changes, proved to the header; and every contract's code. */
async function provedState(
  rpc: Rpc,
  deployment: Deployment,
  head: Header,
  enrolled: readonly Hex[],
  compared: ReadonlyMap<ContractName, readonly Hex[]>,
): Promise<Pick<Facts, "log" | "changed" | "slots">> {
  const slots = enrolled.map((device) => mappingSlot(CHANGED_AT, device));
  const own = (name: ContractName) => (name === "AnchorLog" ? LOG_SLOTS : name === "DeviceRegistry" ? slots : []);
  const wanted = (name: ContractName) => [...own(name), ...(compared.get(name) ?? [])];
  const held = await proving(rpc, head, async () => {
    checkHeader(head);
    const proofs = CONTRACTS.map((name) => proved(rpc, head, deployment.contracts[name].address, wanted(name)));
    const accounts = await Promise.all(proofs);
    return new Map(CONTRACTS.flatMap((name, at) => (accounts[at] ? [[name, accounts[at]] as const] : [])));
  });
  for (const name of CONTRACTS) {
    const rule = `protocol 5.6: the chain is the pinned deployment (proved code of ${name})`;
    expect(rule, deployment.contracts[name].codeHash, held.get(name)?.codeHash, {});
  }
  const of = (name: ContractName, slot: Hex) => held.get(name)?.storage.get(slot) ?? 0n;
  const [rootSlot = "0x", packedSlot = "0x"] = LOG_SLOTS;
  const packed = of("AnchorLog", packedSlot);
  const log = {
    root: toHex(bigEndian(of("AnchorLog", rootSlot), 32)),
    size: Number((packed >> 160n) & 0xffff_ffff_ffffn),
    epoch: Number(packed >> 208n),
  };
  const changed = enrolled.map((device, at) => [device, Number(of("DeviceRegistry", slots[at] ?? "0x"))] as const);
  return { log, changed: new Map(changed), slots: new Map([...held].map(([name, { storage }]) => [name, storage])) };
}

async function proved(rpc: Rpc, head: Header, account: Hex, slots: readonly Hex[]): Promise<ProvedAccount> {
  const storage = new Map<Hex, bigint>();
  let codeHash: Hex = ZERO_DIGEST;
  for (let at = 0; at === 0 || at < slots.length; at += SLOTS_AT_ONCE) {
    const asked = slots.slice(at, at + SLOTS_AT_ONCE);
    const answer = await rpc.ask("eth_getProof", [account, asked, `0x${head.number.toString(16)}`]);
    const found = checkAccount(answer, account, asked, head.stateRoot);
    codeHash = found.codeHash;
    for (const [slot, value] of found.storage) storage.set(slot, value);
  }
  return { codeHash, storage };
}

/** A proof that fails accuses the node, unless it has no proofs, or its chain moved on meanwhile. */
async function proving<T>(rpc: Rpc, head: Header, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    await requireStanding(rpc, head);
    if (error instanceof RpcRefused) throw new Unread("state proof", `the node gives no eth_getProof: ${error.why}`);
    if (!(error instanceof RuleError)) throw error;
    throw new Diverged(`${PROVED} (${error.code})`, `block ${head.number}, ${head.hash}`, error.message, {});
  }
}

async function frozenRoster(rpc: Rpc, deployment: Deployment, day: number, head: Header): Promise<Hex | null> {
  try {
    const answer = await rpc.call(deployment.contracts.AllianceRegistry.address, "rosterHashAt(uint32)", [day], head.number);
    return decodeAbi(["bytes32"], answer)[0] as Hex;
  } catch (error) {
    if (error instanceof RpcRefused && BigInt(head.timestampS) * 1000n < dayStartMs(day)) return null;
    if (error instanceof RuleError) throw new Unread("chain", error.message);
    throw error;
  }
}

/** Throw Unread unless the block is still the chain's. */
async function requireStanding(rpc: Rpc, head: Header): Promise<void> {
  const again = await rpc.header(head.number);
  if (again?.hash !== head.hash) throw new Unread("chain", `block ${head.number} was reorganised during the audit`);
}
