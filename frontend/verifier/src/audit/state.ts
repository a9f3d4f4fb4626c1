/** Are events the whole truth (protocol 11.11): what owners, devices, keys, channels, freezes and statements came to is proved in the state. */

import { ascii, bigEndian, bytesOf, concat, toHex, word } from "../bytes.ts";
import { DAY_SLOT } from "../calendar.ts";
import { bigOf, type ChainEvent, hexOf, numberOf } from "../chain/events.ts";
import { mappingSlot, nestedSlot } from "../chain/proofs.ts";
import { expect } from "../error.ts";
import type { ContractName } from "../format/deployment.ts";
import type { Hex } from "../values.ts";
import { streamKey } from "./keys.ts";

const RECORDS = "protocol 11.4: the registry's state is what its events make of it";
const TWINS = "protocol 6: an event of the registry and its ERC-1056 twin say the same";
const FROZEN = "protocol 11.4: the log's state is what its events make of it (frozen keys)";
const VERSIONS = "protocol 8.9.3: versions follow each other up to the ledger's";

/** Where `DeviceRegistry` keeps owners, devices, keys and channels, `AnchorLog` freezes, `SettlementLedger` its days. */
const [OWNERS_AT, DEVICES_AT, SIGNERS_AT, CHANNELS_AT, FREEZES_AT, DAYS_AT] = [0, 4, 5, 6, 2, 1] as const;
const VERI_KEY = toHex(concat(ascii("veriKey"), new Uint8Array(25)));
const CHANNEL_ATTRIBUTE = toHex(concat(ascii("alliance/channel"), new Uint8Array(16)));

/** Proved storage by contract and slot. */
export type Slots = ReadonlyMap<ContractName, ReadonlyMap<Hex, bigint>>;

/** A device's key as the registry keeps it; all 0 for one that was never confirmed. */
interface Record {
  readonly confirmedS: bigint;
  readonly validToS: bigint;
  /** Epoch + 1 from which it is disputed. */
  readonly compromised: bigint;
  readonly alg: bigint;
}

const NOTHING: Record = { confirmedS: 0n, validToS: 0n, compromised: 0n, alg: 0n };

/** The slots, by contract, that `checkState` compares. */
export function stateSlots(events: readonly ChainEvent[], day: number | null): ReadonlyMap<ContractName, readonly Hex[]> {
  const keys = [...keyRecords(events).keys()];
  const registry = [
    ...keys.map(keySlot), ...[...channelWords(events).keys()].map(channelSlot),
    ...[...owners(events).keys()].map(ownerSlot), ...[...deviceWords(events).keys()].map(deviceSlot),
  ];
  return new Map<ContractName, readonly Hex[]>([
    ["DeviceRegistry", registry],
    ["AnchorLog", keys.map(freezeSlot)],
    ["SettlementLedger", day === null ? [] : [daySlot(day)]],
  ]);
}

/** Compare what events tell with each other and, where slots were proved, with those. Throws Diverged. */
export function checkState(events: readonly ChainEvent[], slots: Slots | null, day: number | null): void {
  checkTwins(events);
  if (slots !== null) checkSlots(events, slots, day);
}

/** What later changes overwrote is still told twice: a key's term and a channel's binding stand in a twin too. */
function checkTwins(events: readonly ChainEvent[]): void {
  const [terms, bindings] = [new Map<string, bigint>(), new Map<string, Uint8Array>()];
  for (const event of events) {
    const { name, at: { txHash } } = event;
    if (name === "DIDDelegateChanged") {
      terms.set([txHash, hexOf(event, "device"), hexOf(event, "delegate")].join("/"), bigOf(event, "validToS"));
    } else if (name === "DIDAttributeChanged" && hexOf(event, "name") === CHANNEL_ATTRIBUTE) {
      bindings.set([txHash, hexOf(event, "device")].join("/"), event.args["value"] as Uint8Array);
    } else if (name === "DelegateConfirmed") {
      const device = hexOf(event, "device");
      expect(`${TWINS} (key)`, terms.get([txHash, device, hexOf(event, "delegate")].join("/")), bigOf(event, "validToS"), { device });
    } else if (name === "ChannelBound") {
      const [device, channel] = [hexOf(event, "device"), numberOf(event, "channel")];
      const told = concat(...["channel", "kind", "station", "fromS", "toS"].map((field) => word(bigOf(event, field))));
      expect(`${TWINS} (channel)`, bindings.get([txHash, device].join("/")), told, { device, channel });
    }
  }
}

function checkSlots(events: readonly ChainEvent[], slots: Slots, day: number | null): void {
  const of = (name: ContractName, slot: Hex): bigint => slots.get(name)?.get(slot) ?? 0n;
  for (const [device, owner] of owners(events)) {
    expect(`${RECORDS} (owner)`, shownWord(of("DeviceRegistry", ownerSlot(device))), shownWord(BigInt(owner)), { device });
  }
  for (const [device, want] of deviceWords(events)) {
    expect(`${RECORDS} (device)`, shownWord(of("DeviceRegistry", deviceSlot(device))), shownWord(want), { device });
  }
  const keys = keyRecords(events);
  for (const [key, record] of keys) {
    expect(`${RECORDS} (key)`, shownWord(of("DeviceRegistry", keySlot(key))), shownWord(wordOf(record)), { device: deviceOf(key) });
  }
  for (const [channel, word] of channelWords(events)) {
    const where = { device: deviceOf(channel), channel: Number(channel.split("/")[1]) };
    expect(`${RECORDS} (channel)`, shownWord(of("DeviceRegistry", channelSlot(channel))), shownWord(word), where);
  }
  const frozen = frozenAt(events);
  for (const key of keys.keys()) {
    const block = BigInt.asUintN(64, of("AnchorLog", freezeSlot(key)));
    expect(FROZEN, `frozen in block ${block}`, `frozen in block ${frozen.get(key) ?? 0}`, { device: deviceOf(key) });
  }
  if (day === null) return;
  const posted = events.filter((e) => e.name === "StatementPosted" && numberOf(e, "day") === day).map((e) => numberOf(e, "version"));
  const version = Number(BigInt.asUintN(16, of("SettlementLedger", daySlot(day))));
  expect(VERSIONS, version, Math.max(0, ...posted), { slot: DAY_SLOT });
}

/** Every key that an event names, as `device/key`, and what the events make of it (protocol 6.3, 6.4). */
function keyRecords(events: readonly ChainEvent[]): ReadonlyMap<string, Record> {
  const records = new Map<string, Record>();
  for (const event of events) {
    const key = keyOf(event);
    if (key !== null) records.set(key, changed(event, records.get(key) ?? NOTHING));
  }
  return records;
}

function keyOf(event: ChainEvent): string | null {
  switch (event.name) {
    case "DelegateConfirmed":
      return `${hexOf(event, "device")}/${hexOf(event, "delegate")}`;
    case "DIDDelegateChanged":
      return hexOf(event, "delegateType") === VERI_KEY ? `${hexOf(event, "device")}/${hexOf(event, "delegate")}` : null;
    case "KeyConfirmed":
    case "Compromised":
    case "SignerFrozen":
      return `${hexOf(event, "device")}/${hexOf(event, "signer")}`;
    default:
      return null;
  }
}

function changed(event: ChainEvent, record: Record): Record {
  const nowS = BigInt(event.at.timestampS);
  switch (event.name) {
    case "DelegateConfirmed":
      return { ...record, confirmedS: nowS, validToS: bigOf(event, "validToS"), alg: 1n };
    case "KeyConfirmed":
      return { ...record, alg: bigOf(event, "alg") };
    case "DIDDelegateChanged": {
      const until = bigOf(event, "validToS");
      return until < nowS && nowS < record.validToS ? { ...record, validToS: nowS - 1n } : record;
    }
    case "Compromised": {
      const validToS = record.validToS < nowS - 1n ? record.validToS : nowS - 1n;
      return { ...record, compromised: bigOf(event, "epoch") + 1n, validToS };
    }
    default:
      return record;
  }
}

/** Every channel that an event names and the slot that the events make of it; 0 if it is only an attribute. */
function channelWords(events: readonly ChainEvent[]): ReadonlyMap<string, bigint> {
  const words = new Map<string, bigint>();
  for (const event of events) {
    if (event.name === "ChannelBound") {
      const [kind, station, from, to] = ["kind", "station", "fromS", "toS"].map((name) => bigOf(event, name)) as [bigint, bigint, bigint, bigint];
      const word = kind | (station << 8n) | (from << 40n) | (to << 104n);
      words.set(streamKey(hexOf(event, "device"), numberOf(event, "channel")), word);
    } else if (event.name === "DIDAttributeChanged" && hexOf(event, "name") === CHANNEL_ATTRIBUTE) {
      const first = (event.args["value"] as Uint8Array).subarray(0, 32);
      const channel = first.length ? Number(BigInt.asUintN(16, BigInt(toHex(first)))) : 0;
      const key = streamKey(hexOf(event, "device"), channel);
      if (!words.has(key)) words.set(key, 0n);
    }
  }
  return words;
}

/** Every device that is enrolled, and the slot of its station and times that the events make. */
function deviceWords(events: readonly ChainEvent[]): ReadonlyMap<Hex, bigint> {
  const words = new Map<Hex, bigint>();
  for (const event of events) {
    const nowS = BigInt(event.at.timestampS);
    if (event.name === "DeviceEnrolled") words.set(hexOf(event, "device"), bigOf(event, "station") | (nowS << 32n));
    if (event.name === "DeviceAttested") {
      const enrolled = BigInt.asUintN(96, words.get(hexOf(event, "device")) ?? 0n);
      words.set(hexOf(event, "device"), enrolled | (nowS << 96n));
    }
  }
  return words;
}

/** Each device whose owner an event names, and the last one. */
function owners(events: readonly ChainEvent[]): ReadonlyMap<Hex, Hex> {
  const named = events.filter(({ name }) => name === "DIDOwnerChanged");
  return new Map(named.map((event) => [hexOf(event, "device"), hexOf(event, "owner")]));
}

/** Each key that an event freezes, and the first block that did. */
function frozenAt(events: readonly ChainEvent[]): ReadonlyMap<string, number> {
  const frozen = events.filter(({ name }) => name === "SignerFrozen").reverse();
  return new Map(frozen.map((event) => [`${hexOf(event, "device")}/${hexOf(event, "signer")}`, event.at.blockNumber]));
}

function wordOf({ confirmedS, validToS, compromised, alg }: Record): bigint {
  return confirmedS | (validToS << 64n) | (compromised << 128n) | (alg << 176n);
}

function deviceOf(pair: string): Hex {
  return (pair.split("/")[0] ?? "") as Hex;
}

function keySlot(key: string): Hex {
  const [device = "0x", signer = "0x"] = key.split("/");
  return nestedSlot(SIGNERS_AT, device as Hex, bytesOf(signer as Hex));
}

function channelSlot(channel: string): Hex {
  const [device = "0x", number = "0"] = channel.split("/");
  return nestedSlot(CHANNELS_AT, device as Hex, bigEndian(Number(number), 2));
}

function freezeSlot(key: string): Hex {
  const [device = "0x", signer = "0x"] = key.split("/");
  return nestedSlot(FREEZES_AT, device as Hex, bytesOf(signer as Hex));
}

function ownerSlot(device: Hex): Hex {
  return mappingSlot(OWNERS_AT, device);
}

function deviceSlot(device: Hex): Hex {
  return mappingSlot(DEVICES_AT, device);
}

function daySlot(day: number): Hex {
  return mappingSlot(DAYS_AT, toHex(bigEndian(day, 4)));
}

function shownWord(value: bigint): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
