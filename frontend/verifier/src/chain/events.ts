/** The contracts' events that an audit rests on (protocol 5, 6, 7), decoded strictly; every other event is nothing here. */

import { ascii, bytesOf, keccak256, toHex } from "../bytes.ts";
import { RuleError, Unread } from "../error.ts";
import type { Hex } from "../values.ts";
import { type AbiValue, decodeAbi, decodeWord } from "./abi.ts";
import type { RawLog } from "./rpc.ts";

/** Where on the chain an event stands; (block, log index) orders all events. */
export interface At {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly txHash: Hex;
  readonly logIndex: number;
  /** Time of the block, unix seconds. */
  readonly timestampS: number;
}

/** Arguments in order; a star marks an indexed one, a name follows each type. Tuples are flat: all of them are static. */
const EVENTS = {
  MemberAdmitted: "*address account, *uint32 member",
  RosterChanged: "*uint32 fromDay, uint32[] members",
  StationRegistered:
    "*uint32 station, *address owner, (uint8 stationType, uint32 region, uint64 chargePowerW, uint64 dischargePowerW, uint64 capacityWh, uint64 pccImportW, uint64 pccExportW)",
  MemberMoved: "*uint32 member, *address before, *address after",
  StationChanged:
    "*uint32 station, *uint32 fromDay, (uint8 stationType, uint32 region, uint64 chargePowerW, uint64 dischargePowerW, uint64 capacityWh, uint64 pccImportW, uint64 pccExportW)",
  ValueSet: "*bytes32 name, *uint32 fromDay, uint256 value",
  PackSet: "*bytes32 kind, *uint32 fromDay, bytes32 packHash",
  DIDOwnerChanged: "*address device, address owner, uint256 previousChange",
  DIDDelegateChanged: "*address device, bytes32 delegateType, address delegate, uint256 validToS, uint256 previousChange",
  DIDAttributeChanged: "*address device, bytes32 name, bytes value, uint256 validToS, uint256 previousChange",
  DeviceEnrolled: "*address device, *address owner, uint32 station, uint256 previousChange",
  DeviceAttested: "*address device, *address attestor, uint256 previousChange",
  ChannelBound:
    "*address device, *uint16 channel, uint8 kind, uint32 station, uint64 fromS, uint64 toS, uint256 previousChange",
  DelegateConfirmed: "*address device, *address delegate, uint256 validToS, address by, uint256 previousChange",
  KeyConfirmed:
    "*address device, *address signer, uint8 alg, bytes publicKey, uint256 validToS, address by, uint256 previousChange",
  Compromised: "*address device, *address signer, uint48 epoch, address by, uint256 previousChange",
  Leased:
    "*uint32 number, *uint32 offer, (uint32 offerId, uint16 version, uint32 owner, uint32 lessee, uint32 station, uint64 powerW, uint64 energyWh, uint32 etaCPpm, uint32 etaDPpm, uint64 rentCents, uint32 firstSlot, uint32 termSlots, int64 wearPrice, uint64 handoverWh, int64 handoverPrice, uint32 slaBp, uint32 slaFactorBp, uint8 weekdayMask, uint8 dayFirstSlot, uint8 daySlots)",
  LeaseEnded: "*uint32 number, uint32 endSlot, uint32 byMember, uint64 priceCents",
  Checkpoint: "*uint48 epoch, uint48 size, bytes32 root, bytes32 manifest",
  SignerFrozen: "*address device, *address signer, uint16 channel, bytes32 first, bytes32 second, uint48 size",
  StatementPosted:
    "*uint32 day, *uint16 version, bytes32 root, uint32 leafCount, bytes32 statement, uint32[] members, int64[] balancesCents",
  StatementVoided: "*uint32 day, uint16 upTo",
  DisputeUpheld:
    "*uint32 day, *uint16 version, *uint32 index, uint8 kind, int64 expected, int64 got, int64 expectedExports, int64 gotExports, int64 movedCents, address by",
} as const;

export type EventName = keyof typeof EVENTS;

/** One event: its name, its place, and its arguments by name. */
export interface ChainEvent {
  readonly name: EventName;
  readonly at: At;
  readonly args: Readonly<Record<string, AbiValue>>;
}

interface Argument {
  readonly type: string;
  readonly name: string;
  readonly indexed: boolean;
}

interface Spec {
  readonly name: EventName;
  readonly hot: readonly Argument[];
  readonly cold: readonly Argument[];
}

const SPECS: ReadonlyMap<Hex, Spec> = new Map(
  (Object.keys(EVENTS) as EventName[]).map((name) => {
    const signature = `${name}(${EVENTS[name].replace(/\*/g, "").replace(/ \w+(?=[,)]|$)/g, "").replace(/ /g, "")})`;
    const all = EVENTS[name].replace(/[()]/g, "").split(", ").map(argument);
    const spec = { name, hot: all.filter((a) => a.indexed), cold: all.filter((a) => !a.indexed) };
    return [toHex(keccak256(ascii(signature))), spec];
  }),
);

/** The topics that are decoded, each with its event's name. */
export const TOPICS: ReadonlyMap<Hex, EventName> = new Map([...SPECS].map(([topic, { name }]) => [topic, name]));

/** Arguments that are one of a few kinds, and how many there are, counted from 1. */
const KINDS: Partial<Readonly<Record<EventName, readonly [string, bigint]>>> = {
  StationRegistered: ["stationType", 4n],
  StationChanged: ["stationType", 4n],
  ChannelBound: ["kind", 2n],
};

/** Arguments of logs that were decoded before: the same bytes always mean the same. */
const decoded = new Map<string, ChainEvent["args"]>();
const MOST_DECODED = 200_000;

/** The event in a log, null when it is none that counts here. Throws Unread for a known one with wrong bytes. */
export function decodeEvent(log: RawLog, timestampS: number): ChainEvent | null {
  const spec = log.topics[0] === undefined ? undefined : SPECS.get(log.topics[0]);
  if (spec === undefined) return null;
  const { blockNumber, blockHash, txHash, logIndex } = log;
  const at = { blockNumber, blockHash, txHash, logIndex, timestampS };
  return { name: spec.name, at, args: argumentsOf(spec, log) };
}

function argumentsOf(spec: Spec, log: RawLog): ChainEvent["args"] {
  const key = log.topics.join("") + log.data;
  const known = decoded.get(key);
  if (known) return known;
  try {
    const args = fresh(spec, log);
    if (decoded.size >= MOST_DECODED) decoded.clear();
    decoded.set(key, args);
    return args;
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    const facts = `event=${spec.name}, why=${error.message}, block_number=${log.blockNumber}, log_index=${log.logIndex}`;
    throw new Unread("chain", `event_malformed: ${facts}`);
  }
}

function fresh(spec: Spec, log: RawLog): ChainEvent["args"] {
  if (log.topics.length - 1 !== spec.hot.length) throw new RuleError("abi_malformed", { topics: log.topics.length });
  const args: Record<string, AbiValue> = {};
  for (const [at, { type, name }] of spec.hot.entries()) {
    args[name] = decodeWord(type, bytesOf(log.topics[at + 1] ?? "0x"));
  }
  const values = decodeAbi(spec.cold.map(({ type }) => type), bytesOf(log.data));
  for (const [at, { name }] of spec.cold.entries()) args[name] = values[at] ?? 0n;
  const [kind, most] = KINDS[spec.name] ?? ["", 0n];
  const value = args[kind];
  if (typeof value === "bigint" && (value < 1n || value > most)) throw new RuleError("abi_malformed", { [kind]: value });
  return args;
}

function argument(text: string): Argument {
  const [type = "", name = ""] = text.replace("*", "").split(" ");
  return { type, name, indexed: text.startsWith("*") };
}

/** An argument that is a number small enough for one. */
export function numberOf(event: ChainEvent, name: string): number {
  return Number(event.args[name] as bigint);
}

/** An argument that is an integer. */
export function bigOf(event: ChainEvent, name: string): bigint {
  return event.args[name] as bigint;
}

/** An argument that is an address or 32 bytes. */
export function hexOf(event: ChainEvent, name: string): Hex {
  return event.args[name] as Hex;
}

/** An argument that is a list of integers. */
export function listOf(event: ChainEvent, name: string): readonly bigint[] {
  return event.args[name] as readonly bigint[];
}
