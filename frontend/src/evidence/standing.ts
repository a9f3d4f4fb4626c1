/** A device's standing at a place on the chain (protocol 6): owner, attestation, keys, channels, out of its events alone. */

import { decodeEventLog, padHex, parseAbi, toEventSelector } from "viem/utils";
import { type Ask, byPlace, logs, type RawLog } from "./rpc.ts";
import type { Deployment } from "./deployment.ts";
import { type ChannelKind, kindOf } from "./reading.ts";
import { Refusal } from "./refusal.ts";

const DEVICE_EVENTS = parseAbi([
  "event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange)",
  "event DIDDelegateChanged(address indexed identity, bytes32 delegateType, address delegate, uint256 validTo, uint256 previousChange)",
  "event DeviceEnrolled(address indexed device, address indexed owner, uint32 station, uint256 previousChange)",
  "event DeviceAttested(address indexed device, address indexed attestor, uint256 previousChange)",
  "event ChannelBound(address indexed device, uint16 indexed channel, uint8 kind, uint32 station, uint64 fromTime, uint64 toTime, uint256 previousChange)",
  "event DelegateConfirmed(address indexed device, address indexed delegate, uint256 validTo, address by, uint256 previousChange)",
  "event Compromised(address indexed device, address indexed signer, uint48 epoch, address by, uint256 previousChange)",
]);
const FREEZE_EVENTS = parseAbi([
  "event SignerFrozen(address indexed device, address indexed signer, uint16 channel, bytes32 first, bytes32 second, uint48 size)",
]);
const FROZEN = toEventSelector(FREEZE_EVENTS[0]);
/** bytes32("veriKey"): the delegates that may sign segments. */
const VERI_KEY = "0x766572694b657900000000000000000000000000000000000000000000000000";

/** A channel's binding to a station; `toS` 0 is open. Unix seconds, `toS` excluded. */
export interface Binding {
  readonly kind: ChannelKind;
  readonly station: number;
  readonly fromS: bigint;
  readonly toS: bigint;
}

/** What the chain said of a device, key and channel up to a place. */
export interface Standing {
  readonly enrolled: boolean;
  readonly attested: boolean;
  readonly owner: `0x${string}` | null;
  /** Unix seconds, excluded; null for a key that was never confirmed. */
  readonly keyValidTo: bigint | null;
  readonly keyFrozenAtSize: bigint | null;
  /** Epoch from which the key's readings are disputed; known at the newest block, not only at the place. */
  readonly disputedSince: bigint | null;
  readonly bindings: readonly Binding[];
}

export interface Subject {
  readonly device: `0x${string}`;
  readonly key: `0x${string}`;
  readonly channel: number;
}

export interface Place {
  readonly blockNumber: bigint;
  readonly logIndex: bigint;
}

/** Gather a device's events from the pinned contracts and tell its standing just before a place. */
export async function standingAt(
  ask: Ask,
  deployment: Deployment,
  subject: Subject,
  { place, head }: { readonly place: Place; readonly head: bigint },
): Promise<Standing> {
  const { DeviceRegistry, AnchorLog } = deployment.contracts;
  const device = padHex(subject.device, { size: 32 });
  const told = await logs(ask, {
    address: DeviceRegistry.address, topics: [null, device], fromBlock: DeviceRegistry.block, toBlock: head,
  });
  const freezes = await logs(ask, {
    address: AnchorLog.address, topics: [FROZEN, device, padHex(subject.key, { size: 32 })],
    fromBlock: AnchorLog.block, toBlock: place.blockNumber,
  });
  return judge(told, freezes, subject, place);
}

/** The standing out of raw logs in chain order. */
export function judge(
  told: readonly RawLog[],
  freezes: readonly RawLog[],
  subject: Subject,
  place: Place,
): Standing {
  const before = (log: RawLog): boolean => byPlace(log, place) < 0;
  const found: Mutable<Standing> & { bindings: Binding[] } = {
    enrolled: false, attested: false, owner: null, keyValidTo: null, keyFrozenAtSize: null, disputedSince: null,
    bindings: [],
  };
  for (const log of told) apply(found, log, subject, before(log));
  for (const log of freezes.filter(before)) {
    found.keyFrozenAtSize ??= BigInt(decodeEventLog({ abi: FREEZE_EVENTS, ...decodable(log) }).args.size);
  }
  return found;
}

/** The binding that holds at an instant (unix seconds): the latest that began by then. Throws Refusal. */
export function bindingAt(standing: Standing, timeS: bigint, subject: Subject): Binding {
  const holding = standing.bindings.findLast((binding) => binding.fromS <= timeS);
  if (holding === undefined || (holding.toS !== 0n && timeS >= holding.toS)) {
    throw new Refusal("channel_not_bound", { device: subject.device, channel: `${subject.channel}` });
  }
  return holding;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function apply(
  found: Mutable<Standing> & { bindings: Binding[] },
  log: RawLog,
  subject: Subject,
  before: boolean,
): void {
  const event = known(log);
  if (event === null) return;
  if (event.eventName === "Compromised") {
    if (same(event.args.signer, subject.key)) found.disputedSince = BigInt(event.args.epoch);
    return;
  }
  if (!before) return;
  switch (event.eventName) {
    case "DIDOwnerChanged":
      found.owner = event.args.owner.toLowerCase() as `0x${string}`;
      return;
    case "DeviceEnrolled":
      found.enrolled = true;
      return;
    case "DeviceAttested":
      found.attested = true;
      return;
    case "DelegateConfirmed":
      if (same(event.args.delegate, subject.key)) found.keyValidTo = event.args.validTo;
      return;
    case "DIDDelegateChanged":
      if (event.args.delegateType === VERI_KEY && same(event.args.delegate, subject.key)) {
        // ERC-1056 alone may shorten a confirmed key's life, never lengthen it (protocol 6.3)
        if (found.keyValidTo !== null && event.args.validTo < found.keyValidTo) found.keyValidTo = event.args.validTo;
      }
      return;
    case "ChannelBound":
      if (event.args.channel === subject.channel) {
        found.bindings.push({
          kind: kindOf(event.args.kind), station: event.args.station, fromS: event.args.fromTime, toS: event.args.toTime,
        });
      }
      return;
  }
}

function known(log: RawLog) {
  try {
    return decodeEventLog({ abi: DEVICE_EVENTS, ...decodable(log) });
  } catch {
    return null; // an event of ERC-1056 that says nothing about keys or channels
  }
}

function decodable(log: RawLog): { readonly data: `0x${string}`; readonly topics: [`0x${string}`, ...`0x${string}`[]] } {
  const [first, ...rest] = log.topics;
  return { data: log.data, topics: [first ?? "0x", ...rest] };
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
