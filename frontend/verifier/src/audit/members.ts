/** Members, stations and leases as the registries' events tell them (protocol 7). */

import { concat, keccak256, toHex, word } from "../bytes.ts";
import { bigOf, hexOf, listOf, numberOf } from "../chain/events.ts";
import { eventsOf, type Facts } from "../chain/facts.ts";
import { Diverged, expect } from "../error.ts";
import type { EarlyEnd, Hex, Lease, Station } from "../values.ts";

const ROSTER = "protocol 8.2.1: the roster of the day as frozen at its 00:00";
const OWNER = "protocol 7.1: a station's owner was admitted";

/** The members whose accounts a day settles, checked against the hash that the registry froze. Throws Diverged. */
export function rosterOf(facts: Facts, day: number): readonly number[] {
  let [members, latest]: [readonly bigint[], number] = [[], -1];
  for (const change of eventsOf(facts, "RosterChanged")) {
    const from = numberOf(change, "fromDay");
    if (latest <= from && from <= day) [members, latest] = [listOf(change, "members"), from];
  }
  if (facts.rosterHash !== null) expect(ROSTER, facts.rosterHash, rosterHash(members), {});
  return members.map(Number);
}

/** All stations with their owners' numbers, in order of registration, rated as on a day. Throws Diverged for an unknown owner. */
export function stationsOf(facts: Facts, day: number): readonly Station[] {
  const numbers = new Map([
    ...eventsOf(facts, "MemberAdmitted").map((e) => [hexOf(e, "account"), numberOf(e, "member")] as const),
    ...eventsOf(facts, "MemberMoved").map((e) => [hexOf(e, "after"), numberOf(e, "member")] as const),
  ]);
  const changes = eventsOf(facts, "StationChanged").filter((event) => numberOf(event, "fromDay") <= day);
  const changed = new Map(changes.map((event) => [numberOf(event, "station"), event]));
  const registered = eventsOf(facts, "StationRegistered").map((event) => {
    const [number, account] = [numberOf(event, "station"), hexOf(event, "owner")];
    const owner = numbers.get(account);
    if (owner === undefined) throw new Diverged(OWNER, "a member", account, { station: number });
    return { number, owner, rated: changed.get(number) ?? event };
  });
  return registered.map(({ number, owner, rated }) => ({
    number, owner, stationType: numberOf(rated, "stationType"), region: numberOf(rated, "region"),
    chargePowerW: bigOf(rated, "chargePowerW"), dischargePowerW: bigOf(rated, "dischargePowerW"),
    capacityWh: bigOf(rated, "capacityWh"), pccImportW: bigOf(rated, "pccImportW"), pccExportW: bigOf(rated, "pccExportW"),
  }));
}

/** All leases, in order of acceptance. */
export function leasesOf(facts: Facts): readonly Lease[] {
  return eventsOf(facts, "Leased").map((event) => ({
    number: numberOf(event, "number"), version: numberOf(event, "version"), owner: numberOf(event, "owner"),
    lessee: numberOf(event, "lessee"), station: numberOf(event, "station"), powerW: bigOf(event, "powerW"),
    energyWh: bigOf(event, "energyWh"), etaCPpm: bigOf(event, "etaCPpm"), etaDPpm: bigOf(event, "etaDPpm"),
    rentCents: bigOf(event, "rentCents"), firstSlot: bigOf(event, "firstSlot"), termSlots: bigOf(event, "termSlots"),
    wearPrice: bigOf(event, "wearPrice"), handoverWh: bigOf(event, "handoverWh"), handoverPrice: bigOf(event, "handoverPrice"),
    slaBp: bigOf(event, "slaBp"), slaFactorBp: bigOf(event, "slaFactorBp"),
    weekdayMask: numberOf(event, "weekdayMask"), dayFirstSlot: numberOf(event, "dayFirstSlot"), daySlots: numberOf(event, "daySlots"),
  }));
}

/** How each lease ended that did so before its term; the last end counts (protocol 7.2.2). */
export function earlyEndsOf(facts: Facts): ReadonlyMap<number, EarlyEnd> {
  return new Map(eventsOf(facts, "LeaseEnded").map((event) => {
    const ended = { endSlot: bigOf(event, "endSlot"), by: numberOf(event, "byMember") || null, priceCents: bigOf(event, "priceCents") };
    return [numberOf(event, "number"), ended];
  }));
}

/** keccak256(abi.encode(uint32[])), as the contract freezes a day's roster. */
function rosterHash(members: readonly bigint[]): Hex {
  return toHex(keccak256(concat(word(32), word(members.length), ...members.map(word))));
}
