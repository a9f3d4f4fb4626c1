/** Events are held against each other and against proved slots (protocol 6, 11.11): whichever differs is named with its device. */

import { describe, expect, it } from "vitest";
import { ascii, bytesOf, concat, toHex, word } from "../bytes.ts";
import type { ChainEvent, EventName } from "../chain/events.ts";
import { mappingSlot, nestedSlot } from "../chain/proofs.ts";
import { Diverged } from "../error.ts";
import type { ContractName } from "../format/deployment.ts";
import type { Hex } from "../values.ts";
import { checkState, stateSlots } from "./state.ts";

const DAY = 20_000;
const NOW_S = 1_700_000_000;
const UNTIL_S = 1_800_000_000n;
const [device, signer, other] = [`0x${"11".repeat(20)}`, `0x${"22".repeat(20)}`, `0x${"33".repeat(20)}`] as const;
const VERI_KEY = toHex(concat(ascii("veriKey"), new Uint8Array(25)));
const CHANNEL = toHex(concat(ascii("alliance/channel"), new Uint8Array(16)));
const binding = concat(...[2, 1, 3, NOW_S, 0].map(word));

type Args = ChainEvent["args"];

function event(name: EventName, tx: number, args: Args): ChainEvent {
  const [txHash, blockHash] = [toHex(word(tx)), toHex(word(0))];
  return { name, at: { blockNumber: tx, blockHash, txHash, logIndex: 0, timestampS: NOW_S + tx }, args };
}

const told: readonly ChainEvent[] = [
  event("DeviceEnrolled", 1, { device, owner: other, station: 3n, previousChange: 0n }),
  event("DIDDelegateChanged", 2, { device, delegateType: VERI_KEY, delegate: signer, validToS: UNTIL_S, previousChange: 1n }),
  event("DelegateConfirmed", 2, { device, delegate: signer, validToS: UNTIL_S, by: other, previousChange: 1n }),
  event("DIDAttributeChanged", 3, { device, name: CHANNEL, value: binding, validToS: UNTIL_S, previousChange: 2n }),
  event("ChannelBound", 3, { device, channel: 2n, kind: 1n, station: 3n, fromS: BigInt(NOW_S), toS: 0n, previousChange: 2n }),
  event("DeviceAttested", 4, { device, attestor: other, previousChange: 3n }),
];

/** What the contracts keep after these events: a device at slot 4, a key at 5, a channel at 6; nothing frozen, nothing posted. */
const slots: ReadonlyMap<ContractName, ReadonlyMap<Hex, bigint>> = new Map<ContractName, ReadonlyMap<Hex, bigint>>([
  ["DeviceRegistry", new Map([
    [mappingSlot(4, device), 3n | (BigInt(NOW_S + 1) << 32n) | (BigInt(NOW_S + 4) << 96n)],
    [nestedSlot(5, device, bytesOf(signer)), BigInt(NOW_S + 2) | (UNTIL_S << 64n) | (1n << 176n)],
    [nestedSlot(6, device, Uint8Array.of(0, 2)), 1n | (3n << 8n) | (BigInt(NOW_S) << 40n)],
  ])],
]);

function divergence(run: () => void): Diverged | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Diverged) return error;
    throw error;
  }
}

function bent(at: number, args: Args): readonly ChainEvent[] {
  return told.map((one, place) => (place === at ? { ...one, args: { ...one.args, ...args } } : one));
}

const TWINS = "protocol 6: an event of the registry and its ERC-1056 twin say the same";

describe("what the registry's events say of each other", () => {
  it("holds when each twin says the same", () => {
    expect(() => checkState(told, null, DAY)).not.toThrow();
  });

  it.each([
    ["a key with another term", bent(2, { validToS: UNTIL_S - 1n }), `${TWINS} (key)`, { device }],
    ["a key whose twin is another's", bent(1, { delegate: other }), `${TWINS} (key)`, { device }],
    ["a key whose twin is left out", told.toSpliced(1, 1), `${TWINS} (key)`, { device }],
    ["a channel of another station", bent(4, { station: 4n }), `${TWINS} (channel)`, { device, channel: 2 }],
    ["a channel whose twin is left out", told.toSpliced(3, 1), `${TWINS} (channel)`, { device, channel: 2 }],
    ["a channel whose twin stands in another transaction", told.with(3, { ...event("DIDAttributeChanged", 5, {}), args: told[3]?.args ?? {} }),
      `${TWINS} (channel)`, { device, channel: 2 }],
  ] as const)("names %s", (_, events, rule, where) => {
    expect(divergence(() => checkState(events, null, DAY))).toMatchObject({ rule, where });
  });
});

describe("what the registry's state says of events", () => {
  it("is asked for every slot that an event names", () => {
    const asked = stateSlots(told, DAY).get("DeviceRegistry");
    expect(asked?.toSorted()).toEqual([...(slots.get("DeviceRegistry")?.keys() ?? [])].sort());
  });

  it("holds when the slots are what the events make", () => {
    expect(() => checkState(told, slots, DAY)).not.toThrow();
  });

  it.each([
    ["a device at another station", bent(0, { station: 4n })],
    ["a device whose attestation is left out", told.toSpliced(5, 1)],
  ])("names %s", (_, events) => {
    const rule = "protocol 11.4: the registry's state is what its events make of it (device)";
    expect(divergence(() => checkState(events, slots, DAY))).toMatchObject({ rule, where: { device } });
  });
});
