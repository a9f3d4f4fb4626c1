/** Which evidence settles a day (protocol 8.3): of the documents in the log the last one anchored in time binds. */

import { dayStartMs, dayText, SLOTS_A_DAY, slotStartMs } from "../calendar.ts";
import { RuleError } from "../error.ts";
import type { BillingGroup, Channel, EarlyEnd, Hex, Lease, Place, Station } from "../values.ts";
import { METER } from "../values.ts";
import { closing, type DayUse } from "./closing.ts";
import type { SettlementInputs } from "./inputs.ts";
import { concerns } from "./lease.ts";
import { sum } from "./money.ts";
import { type AnchoredSchedule, EffectivePlan, slotKey } from "./plan.ts";
import { type Bracketed, type Stream, stationQuantities, timed } from "./quantity.ts";
import { type Grouping, inForce, type RulePack, tariffFor } from "./rules.ts";
import { DAY_AHEAD, GRID_ORDER, type Schedule } from "./schedule.ts";
import { type Quantity, Status } from "./statement.ts";

/** A document and where it stands. */
export type Placed<T> = readonly [place: Place, document: T];

/** One billing meter's binding to a station and its readings as the log holds them. */
export interface Meter {
  readonly channel: Channel;
  readonly readings: readonly Bracketed[];
  readonly disputed: ReadonlySet<bigint>;
}

/** Everything that a day's settlement may rest on, out of the log at `logSize` and the chain. */
export interface DayFacts {
  readonly alliance: Hex;
  readonly day: number;
  readonly roster: readonly number[];
  readonly stations: readonly Station[];
  readonly leases: readonly Lease[];
  readonly earlyEnds: ReadonlyMap<number, EarlyEnd>;
  readonly schedules: readonly Placed<Schedule>[];
  readonly packs: readonly Placed<RulePack>[];
  readonly groupings: readonly Placed<Grouping>[];
  readonly meters: readonly Meter[];
  readonly logSize: number;
  /** The use of each of `closingDays`; empty on a day that closes nothing. */
  readonly uses: ReadonlyMap<number, DayUse>;
  /** The 96 quantities, as stated, of stations whose meters the reader may not see. */
  readonly given: ReadonlyMap<number, readonly Quantity[]>;
}

/** What `settle` is given for the day. Throws RuleError rules_missing and what the quantities refuse. */
export function settlementInputs(facts: DayFacts): SettlementInputs {
  const { day, alliance, roster, logSize, earlyEnds } = facts;
  const groups = bindingGroups(facts.groupings, day);
  const [place, pack] = bindingPack(facts.packs, day);
  const effective = effectiveSchedules(facts.schedules, day);
  const grouped = new Set(groups.flatMap(({ stations }) => stations));
  const stations = facts.stations.filter(({ number }) => grouped.has(number));
  const anchored = { tariff: tariffFor(pack, day), pack: place.digest };
  const documents = [...facts.schedules, ...facts.packs, ...facts.groupings];
  const leases = facts.leases.filter(({ station }) => grouped.has(station));
  const closed = closing(leases, earlyEnds, day, facts.uses);
  return {
    alliance, day, roster, stations, groups, effective, logSize, earlyEnds,
    tariffs: new Map(groups.map(({ number }) => [number, anchored])),
    leases: leases.filter((lease) => concerns(lease, day, earlyEnds.get(lease.number))),
    quantities: quantitiesOf(facts, stations, new EffectivePlan(effective)),
    dayAhead: dayAhead(facts.schedules, day),
    feeBp: pack.feeBp,
    feePack: place.digest,
    logged: new Set(documents.map(([{ digest }]) => digest)),
    accepted: new Map(),
    availability: closed.availability,
    closingAccountWh: closed.accountWh,
    poolOpeningCents: new Map(),
  };
}

/** What a day's use is gathered from, as the log stood a day after it; `batteries` are the leased stations' battery channels. */
export interface UseFacts {
  readonly schedules: readonly Placed<Schedule>[];
  readonly leases: readonly Lease[];
  readonly batteries: readonly Meter[];
  /** Whether deliveries count; without them the leases' orders alone, and `batteries` are not looked at. */
  readonly deliveries: boolean;
}

/** What a day showed of the leased stations (8.7.4). Throws what the quantities refuse. */
export function dayUse(day: number, { schedules, leases, batteries, deliveries }: UseFacts): DayUse {
  const touching = leases.filter((lease) => concerns(lease, day));
  const stations = new Set(touching.map(({ station }) => station));
  const [scheduledWh, ordersWh, excused] = [new Map<string, bigint>(), new Map<string, bigint>(), new Set<string>()];
  for (const [slot, { schedule }] of effectiveSchedules(schedules, day)) {
    for (const row of schedule.rows) {
      if (row.slot !== slot || !stations.has(row.station)) continue;
      const place = slotKey(row.station, slot);
      scheduledWh.set(place, row.batteryWh);
      if (schedule.kind === GRID_ORDER) excused.add(place);
      for (const { number } of touching.filter(({ station }) => station === row.station)) {
        const orders = row.lessees.filter(({ lease }) => lease === number).map(({ plannedWh }) => plannedWh);
        ordersWh.set(slotKey(number, slot), sum(orders));
      }
    }
  }
  const deliveredWh = deliveries ? delivered(day, [...stations], batteries) : new Map<string, bigint>();
  return { scheduledWh, excused, deliveredWh, ordersWh };
}

/** The slots that a battery's meter measured; discharging is its export. */
function delivered(day: number, stations: readonly number[], batteries: readonly Meter[]): ReadonlyMap<string, bigint> {
  const nothing = Array.from({ length: SLOTS_A_DAY }, () => 0n);
  const slots = stations.toSorted((a, b) => a - b).flatMap((station) => {
    const streams = batteries.filter(({ channel }) => channel.station === station).map(streamOf);
    return stationQuantities(station, day, streams, nothing).filter(({ status }) => status === Status.METERED);
  });
  return new Map(slots.map(({ station, slot, netWh }) => [slotKey(station, slot), netWh]));
}

/** Slot → the last schedule anchored before it began; a grid order, though anchored later, takes its slots' place. */
export function effectiveSchedules(schedules: readonly Placed<Schedule>[], day: number): ReadonlyMap<number, AnchoredSchedule> {
  const ordered = ofDay(schedules, day).sort(([a], [b]) => a.entry - b.entry);
  const binding = new Map<number, AnchoredSchedule>();
  for (const orders of [false, true]) {
    for (const [place, schedule] of ordered) {
      if ((schedule.kind === GRID_ORDER) !== orders) continue;
      for (const slot of boundSlots(place, schedule)) binding.set(slot, { digest: place.digest, schedule });
    }
  }
  return binding;
}

/** The day-ahead schedule whose gains are the fee's base: the last one anchored before the day. */
export function dayAhead(schedules: readonly Placed<Schedule>[], day: number): AnchoredSchedule | null {
  const found = ofDay(schedules, day)
    .filter(([place, schedule]) => schedule.kind === DAY_AHEAD && place.anchoredMs < dayStartMs(day))
    .sort(([a], [b]) => a.entry - b.entry)
    .at(-1);
  return found === undefined ? null : { digest: found[0].digest, schedule: found[1] };
}

/** The billing groups of a day: the last grouping anchored before it for it. Throws RuleError rules_missing. */
export function bindingGroups(groupings: readonly Placed<Grouping>[], day: number): readonly BillingGroup[] {
  const found = groupings
    .filter(([place, { fromDay }]) => place.anchoredMs < dayStartMs(day) && fromDay <= day)
    .sort(([a, x], [b, y]) => x.fromDay - y.fromDay || a.entry - b.entry)
    .at(-1);
  if (found === undefined) throw new RuleError("rules_missing", { day: dayText(day), what: "groups" });
  return found[1].groups;
}

/** The rule pack of a day: the last one in force and anchored before it. Throws RuleError rules_missing. */
export function bindingPack(packs: readonly Placed<RulePack>[], day: number): Placed<RulePack> {
  const found = packs
    .filter(([place, pack]) => place.anchoredMs < dayStartMs(day) && inForce(pack, day))
    .sort(([a, x], [b, y]) => x.effectiveFrom - y.effectiveFrom || a.entry - b.entry)
    .at(-1);
  if (found === undefined) throw new RuleError("rules_missing", { day: dayText(day), what: "tariff" });
  return found;
}

const ofDay = (schedules: readonly Placed<Schedule>[], day: number): Placed<Schedule>[] =>
  schedules.filter(([, schedule]) => schedule.day === day);

/** The slots of the day that a schedule binds: those that begin after it was anchored, or those that an order names. */
function boundSlots({ anchoredMs }: Place, schedule: Schedule): readonly number[] {
  const day = Array.from({ length: SLOTS_A_DAY }, (_, slot) => slot);
  if (schedule.kind === GRID_ORDER) {
    const named = new Set(schedule.rows.map(({ slot }) => slot));
    return day.filter((slot) => named.has(slot));
  }
  return day.filter((slot) => slot >= schedule.firstSlot && anchoredMs < slotStartMs(schedule.day, slot));
}

function quantitiesOf(facts: DayFacts, stations: readonly Station[], plan: EffectivePlan): readonly Quantity[] {
  return stations.flatMap(({ number }) => {
    const given = facts.given.get(number);
    if (given !== undefined) return given;
    const meters = facts.meters.filter(({ channel }) => channel.kind === METER && channel.station === number);
    return stationQuantities(number, facts.day, meters.map(streamOf), plan.plannedNetWh(number));
  });
}

/** The meter's readings with effective times; those outside its binding to the station are no edges. */
function streamOf({ channel, readings, disputed }: Meter): Stream {
  const { device, fromMs, toMs } = channel;
  const outside = readings.map(({ reading }) => reading).filter(({ tMs }) => tMs < fromMs || (toMs !== 0n && tMs > toMs));
  const invalid = new Set(outside.map(({ seq }) => seq));
  return { device, channel: channel.channel, readings: timed(readings, { invalid, disputed }) };
}
