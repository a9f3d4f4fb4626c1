/** What a month's or a term's end rests on: availability of leased capacity, and a lessee's account (protocol 8.7.4, 8.7.5). */

import { sha256, toHex } from "../bytes.ts";
import { dayFirstSlot, dayText } from "../calendar.ts";
import { RuleError } from "../error.ts";
import type { EarlyEnd, Lease } from "../values.ts";
import type { Availability } from "./inputs.ts";
import { accountAfter, dayOfSlot, endsIn, holdsIn, monthSoFar, ranIn, slaDue, type Span, termEnd } from "./lease.ts";
import { mulDiv, size } from "./money.ts";
import { slotKey } from "./plan.ts";

const FULL_BP = 10_000n;
const DELIVERED_PERCENT = 90n;

/** What a day showed of its leased stations' batteries and of the leases' use, by `slotKey`; Wh, discharge positive. */
export interface DayUse {
  /** Station and slot → the battery's flow by the effective schedule. */
  readonly scheduledWh: ReadonlyMap<string, bigint>;
  /** Stations' slots in which the grid ordered otherwise. */
  readonly excused: ReadonlySet<string>;
  /** Station and slot → what the battery's meter measured; a slot that is not here was silent. */
  readonly deliveredWh: ReadonlyMap<string, bigint>;
  /** Lease and slot → what the lease used by the effective schedule. */
  readonly ordersWh: ReadonlyMap<string, bigint>;
}

/** The facts by which a day closes months and terms of leases. */
export interface Closing {
  readonly availability: ReadonlyMap<number, Availability>;
  readonly accountWh: ReadonlyMap<number, bigint>;
}

type EarlyEnds = ReadonlyMap<number, EarlyEnd>;
type Uses = ReadonlyMap<number, DayUse>;

/** The days whose use a day's closing rests on, ascending; true where deliveries count, false where orders alone do. */
export function closingDays(leases: readonly Lease[], earlyEnds: EarlyEnds, day: number): ReadonlyMap<number, boolean> {
  const needed = new Map<number, boolean>();
  for (const lease of leases) {
    const early = earlyEnds.get(lease.number)?.endSlot;
    if (slaDue(lease, day, early)) {
      for (const held of days(ranIn(lease, monthSoFar(day), early).first, day)) needed.set(held, true);
    }
    if (endsIn(lease, day, early)) for (const held of days(lease.firstSlot, day)) needed.set(held, needed.get(held) ?? false);
  }
  return new Map([...needed].sort(([a], [b]) => a - b));
}

/** What closes with a day. Throws RuleError day_use_missing for a day of `closingDays` that is not given. */
export function closing(leases: readonly Lease[], earlyEnds: EarlyEnds, day: number, uses: Uses): Closing {
  const availability = new Map<number, Availability>();
  const accountWh = new Map<number, bigint>();
  for (const lease of leases) {
    const early = earlyEnds.get(lease.number)?.endSlot;
    if (slaDue(lease, day, early)) availability.set(lease.number, availabilityOf(lease, ranIn(lease, monthSoFar(day), early), uses));
    if (endsIn(lease, day, early)) accountWh.set(lease.number, accountOf(lease, termEnd(lease, early), uses));
  }
  return { availability, accountWh };
}

function availabilityOf(lease: Lease, span: Span, uses: Uses): Availability {
  const held = slotsOf(span).filter((slot) => holdsIn(lease, slot));
  const slots = Uint8Array.from(held, (slot) => (available(lease, slot, uses) ? 1 : 0));
  const served = slots.reduce((total, slot) => total + slot, 0);
  const availableBp = slots.length === 0 ? FULL_BP : mulDiv(BigInt(served), FULL_BP, BigInt(slots.length));
  return { availableBp, slots: toHex(sha256(slots)) };
}

/** Excused, or measured and at least nine tenths of what was scheduled, in its direction. */
function available(lease: Lease, absolute: bigint, uses: Uses): boolean {
  const [use, slot] = useOf(lease, absolute, uses);
  const place = slotKey(lease.station, slot);
  if (use.excused.has(place)) return true;
  const delivered = use.deliveredWh.get(place);
  if (delivered === undefined) return false;
  const scheduled = use.scheduledWh.get(place) ?? 0n;
  const along = scheduled > 0n ? delivered : -delivered;
  return scheduled === 0n || along * 100n >= size(scheduled) * DELIVERED_PERCENT;
}

/** The account after the last slot: every order of a slot it held, from the beginning on. */
function accountOf(lease: Lease, end: bigint, uses: Uses): bigint {
  const held = slotsOf({ first: lease.firstSlot, end }).filter((slot) => holdsIn(lease, slot));
  return held.reduce((account, absolute) => {
    const [use, slot] = useOf(lease, absolute, uses);
    return accountAfter(account, use.ordersWh.get(slotKey(lease.number, slot)) ?? 0n, lease);
  }, lease.handoverWh);
}

function useOf(lease: Lease, absolute: bigint, uses: Uses): readonly [DayUse, number] {
  const day = dayOfSlot(absolute);
  const use = uses.get(day);
  if (use === undefined) throw new RuleError("day_use_missing", { lease: lease.number, day: dayText(day) });
  return [use, Number(absolute - dayFirstSlot(day))];
}

const slotsOf = ({ first, end }: Span): readonly bigint[] =>
  Array.from({ length: Math.max(0, Number(end - first)) }, (_, at) => first + BigInt(at));

function days(firstSlot: bigint, last: number): readonly number[] {
  const first = dayOfSlot(firstSlot);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}
