/** Which keys may sign which devices' segments, and where channels are bound (protocol 6), from registry events alone. */

import { toHex } from "../bytes.ts";
import { type At, type ChainEvent, type EventName, hexOf, numberOf } from "../chain/events.ts";
import type { Facts } from "../chain/facts.ts";
import { expect } from "../error.ts";
import type { PublicKeys } from "../format/signature.ts";
import type { Channel, Hex } from "../values.ts";

const WALK = "protocol 6: registry events follow each other through previousChange";
/** bytes32("veriKey"): the delegates that may sign segments. */
const VERI_KEY: Hex = "0x766572694b657900000000000000000000000000000000000000000000000000";
const CHANGES: ReadonlySet<EventName> = new Set<EventName>([
  "DeviceEnrolled", "DeviceAttested", "ChannelBound", "DelegateConfirmed", "KeyConfirmed", "Compromised",
  "DIDOwnerChanged", "DIDDelegateChanged", "DIDAttributeChanged",
]);

/** What a key is worth at a place on the chain. */
export type Standing = "valid" | "lapsed" | "owner" | "stranger";

type Moment = Pick<At, "blockNumber" | "logIndex">;

interface History {
  readonly terms: { readonly at: Moment; readonly validToS: bigint }[];
  readonly revoked: Moment[];
  readonly reports: { readonly at: Moment; readonly epoch: number }[];
  frozen: Moment | null;
}

/** A channel of a device as a key of maps. */
export function streamKey(device: Hex, channel: number): string {
  return `${device}/${channel}`;
}

/** Order on the chain: block, then log index. */
export function before(a: Moment, b: Moment): boolean {
  return a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.logIndex < b.logIndex);
}

/** All keys, owners, bindings and freezes of a chain's devices. */
export class Keyring {
  readonly channels: readonly Channel[];
  private readonly boundAt: { readonly key: string; readonly block: number }[] = [];
  private readonly histories = new Map<string, History>();
  private readonly owners = new Map<Hex, { readonly at: Moment; readonly owner: Hex }[]>();
  private readonly stations = new Map<string, number>();
  private readonly confirmed = new Map<string, Uint8Array[]>();
  /** Names the set of confirmed public keys: what was decoded under one may be kept under it alone. */
  readonly keysId: string;

  constructor(facts: Facts) {
    const channels: Channel[] = [];
    for (const event of facts.events) {
      if (event.name === "ChannelBound") channels.push(this.bind(event));
      else this.apply(event);
    }
    this.channels = channels;
    this.keysId = [...this.confirmed].map(([name, keys]) => `${name}:${keys.map(toHex).join()}`).join(";");
  }

  /** Every (device, channel) that was bound up to a block: what a manifest must name (protocol 4.3). */
  registered(asOfBlock: number): ReadonlySet<string> {
    return new Set(this.boundAt.filter(({ block }) => block <= asOfBlock).map(({ key }) => key));
  }

  /** The station that a channel was last bound to, or at which its device was enrolled. */
  station(device: Hex, channel: number | null = null): number | null {
    const measured = channel === null ? undefined : this.stations.get(streamKey(device, channel));
    return measured ?? this.stations.get(device) ?? null;
  }

  /** The keys of a device that stand frozen as of a block. */
  frozen(device: Hex, asOfBlock: number): ReadonlySet<Hex> {
    const keys = new Set<Hex>();
    for (const [pair, { frozen }] of this.histories) {
      const [of = "", key = ""] = pair.split("/");
      if (of === device && frozen !== null && frozen.blockNumber <= asOfBlock) keys.add(key as Hex);
    }
    return keys;
  }

  /** The public keys of an algorithm that were ever confirmed for a device. */
  readonly publicKeys: PublicKeys = (device, alg) => this.confirmed.get(`${device}/${alg}`) ?? [];

  /** What a key is worth for a segment whose first checkpoint stands at `at` (protocol 6.3, 6.4). */
  standing(device: Hex, key: Hex, at: At): Standing {
    const history = this.histories.get(`${device}/${key}`);
    const term = history?.terms.findLast((one) => before(one.at, at));
    if (history === undefined || term === undefined) return "stranger";
    const owner = this.owners.get(device)?.findLast((held) => before(held.at, at))?.owner ?? device;
    if (owner === key) return "owner";
    const revoked = history.revoked.some((moment) => before(term.at, moment) && before(moment, at));
    const frozen = history.frozen !== null && before(history.frozen, at);
    return revoked || frozen || term.validToS <= BigInt(at.timestampS) ? "lapsed" : "valid";
  }

  /** The epoch from which a key's readings are disputed, as reported up to a block; null if nothing was. */
  disputedSince(device: Hex, key: Hex, asOfBlock: number): number | null {
    const reports = this.histories.get(`${device}/${key}`)?.reports.filter(({ at }) => at.blockNumber <= asOfBlock) ?? [];
    return reports.length ? Math.min(...reports.map(({ epoch }) => epoch)) : null;
  }

  private bind(event: ChainEvent): Channel {
    const [device, channel, station] = [hexOf(event, "device"), numberOf(event, "channel"), numberOf(event, "station")];
    this.boundAt.push({ key: streamKey(device, channel), block: event.at.blockNumber });
    this.stations.set(streamKey(device, channel), station);
    const [fromMs, toMs] = [event.args["fromS"] as bigint, event.args["toS"] as bigint].map((s) => s * 1000n) as [bigint, bigint];
    return { device, channel, kind: numberOf(event, "kind"), station, fromMs, toMs };
  }

  private apply(event: ChainEvent): void {
    const at = event.at;
    switch (event.name) {
      case "DeviceEnrolled":
        this.stations.set(hexOf(event, "device"), numberOf(event, "station"));
        return;
      case "DIDOwnerChanged":
        pushTo(this.owners, hexOf(event, "device"), { at, owner: hexOf(event, "owner") });
        return;
      case "DelegateConfirmed":
        this.history(event, "delegate").terms.push({ at, validToS: event.args["validToS"] as bigint });
        return;
      case "KeyConfirmed":
        pushTo(this.confirmed, `${hexOf(event, "device")}/${numberOf(event, "alg")}`, event.args["publicKey"] as Uint8Array);
        return;
      case "DIDDelegateChanged":
        if (hexOf(event, "delegateType") === VERI_KEY && (event.args["validToS"] as bigint) < BigInt(at.timestampS)) {
          this.history(event, "delegate").revoked.push(at);
        }
        return;
      case "Compromised":
        this.history(event, "signer").reports.push({ at, epoch: numberOf(event, "epoch") });
        return;
      case "SignerFrozen":
        this.history(event, "signer").frozen ??= at;
        return;
    }
  }

  private history(event: ChainEvent, key: string): History {
    const pair = `${hexOf(event, "device")}/${hexOf(event, key)}`;
    const known = this.histories.get(pair) ?? { terms: [], revoked: [], reports: [], frozen: null };
    this.histories.set(pair, known);
    return known;
  }
}

/** Walk each device's events through `previousChange` to what the registry says now. Throws Diverged. */
export function checkWalk(facts: Facts): void {
  const courses = new Map<Hex, ChainEvent[]>();
  for (const event of facts.events) if (CHANGES.has(event.name)) pushTo(courses, hexOf(event, "device"), event);
  for (const [device, head] of facts.changed) checkCourse(device, courses.get(device) ?? [], head);
}

/** Events of one change share what they name; the next change names the block of this one. */
function checkCourse(device: Hex, course: readonly ChainEvent[], head: number): void {
  const where = { device };
  let [changed, named] = [0, -1n];
  for (const event of course) {
    const previous = event.args["previousChange"] as bigint;
    if (event.at.blockNumber !== changed || previous !== named) {
      expect(WALK, `change after block ${changed}`, `change after block ${previous}`, where);
    }
    [changed, named] = [event.at.blockNumber, previous];
  }
  expect(WALK, `last change in block ${head}`, `last change in block ${changed}`, where);
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const held = map.get(key);
  if (held) held.push(value);
  else map.set(key, [value]);
}
