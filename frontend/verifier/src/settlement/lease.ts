/** A lease over time: when it runs, what rent accrues, what its account holds, what closes it (protocol 8.4.4, 8.6, 8.7.4, 8.7.5). */

import { dayFirstSlot as firstSlotOf, floorDiv, SLOTS_A_DAY } from "../calendar.ts";
import type { EarlyEnd, Lease } from "../values.ts";
import { ceilDiv, least, most, mulDiv } from "./money.ts";

const PPM = 1_000_000n;
const FULL_BP = 10_000n;
const SLOTS_IN_DAY = BigInt(SLOTS_A_DAY);
const SLOTS_A_WEEK = 7n * SLOTS_IN_DAY;
const EVERY_DAY = 0x7f;
/** 1970-01-01 was a Thursday; 0 is Monday. */
const FIRST_WEEKDAY = 3;

/** A half-open range of absolute slots. */
export interface Span {
  readonly first: bigint;
  readonly end: bigint;
}

/** The first absolute slot in which a lease no longer runs; `earlyEnd` is that of one ended early. */
export function termEnd(lease: Lease, earlyEnd?: bigint): bigint {
  const end = lease.firstSlot + lease.termSlots;
  return earlyEnd === undefined ? end : least(end, earlyEnd);
}

/** Whether a lease holds in an absolute slot, an early end apart: inside its term, on its weekdays, in its hours. */
export function holdsIn(lease: Lease, slot: bigint): boolean {
  return lease.firstSlot <= slot && slot < lease.firstSlot + lease.termSlots && windowHolds(lease, slot);
}

/** The rent of a lease's held slots in [first, end): R(k) = rent · k / all, so that all held slots sum to the rent exactly. */
export function rentBetween(lease: Lease, { first, end }: Span): bigint {
  return accrued(lease, end) - accrued(lease, first);
}

/** A lessee's account after a flow, discharge positive: charging adds rounded down, discharging takes rounded up. */
export function accountAfter(accountWh: bigint, plannedWh: bigint, lease: Pick<Lease, "etaCPpm" | "etaDPpm">): bigint {
  if (plannedWh < 0n) return accountWh + floorDiv(-plannedWh * lease.etaCPpm, PPM);
  return accountWh - ceilDiv(plannedWh * PPM, lease.etaDPpm);
}

/** What the owner returns of a rent for missing availability, cents, positive. */
export function slaCents(lease: Lease, rentCents: bigint, availableBp: bigint): bigint {
  const shortBp = most(0n, lease.slaBp - availableBp);
  return mulDiv(rentCents, shortBp * lease.slaFactorBp, FULL_BP * FULL_BP);
}

/** The part of a span in which a lease ran; empty when its first is not below its end. */
export function ranIn(lease: Lease, span: Span, earlyEnd?: bigint): Span {
  return { first: most(span.first, lease.firstSlot), end: least(span.end, termEnd(lease, earlyEnd)) };
}

/** The local day in which an absolute slot lies. */
export const dayOfSlot = (slot: bigint): number => Number(floorDiv(slot - firstSlotOf(0), SLOTS_IN_DAY));

/** The absolute slots of a day. */
export function daySpan(day: number): Span {
  const first = firstSlotOf(day);
  return { first, end: first + SLOTS_IN_DAY };
}

/** The absolute slots of a day's month up to that day's end. */
export function monthSoFar(day: number): Span {
  return { first: firstSlotOf(day + 1 - dayOfMonth(day)), end: daySpan(day).end };
}

/** Whether a lease's last slot lies in a day. */
export function endsIn(lease: Lease, day: number, earlyEnd?: bigint): boolean {
  const end = termEnd(lease, earlyEnd);
  const { first, end: dayEnd } = daySpan(day);
  return end > lease.firstSlot && first < end && end <= dayEnd;
}

/** Whether availability is paid on a day: the lease ran in it, and the month or the term ends with it. */
export function slaDue(lease: Lease, day: number, earlyEnd?: bigint): boolean {
  const { first, end } = ranIn(lease, daySpan(day), earlyEnd);
  return first < end && (dayOfMonth(day + 1) === 1 || endsIn(lease, day, earlyEnd));
}

/** Whether a day pays for a lease's early end: a party ended it alone, in a slot of this day. */
export function endDue(day: number, ended?: EarlyEnd): ended is EarlyEnd & { readonly by: number } {
  if (ended === undefined || ended.by === null) return false;
  const { first, end } = daySpan(day);
  return first <= ended.endSlot && ended.endSlot < end;
}

/** Whether a day may have a line of a lease: it runs in the day, or the day pays for its early end. */
export function concerns(lease: Lease, day: number, ended?: EarlyEnd): boolean {
  const { first, end } = daySpan(day);
  return (lease.firstSlot < end && termEnd(lease, ended?.endSlot) > first) || endDue(day, ended);
}

/** R: the rent of the held slots before an absolute slot. */
function accrued(lease: Lease, slot: bigint): bigint {
  return mulDiv(lease.rentCents, heldBefore(lease, slot), heldBefore(lease, lease.firstSlot + lease.termSlots));
}

/** How many slots of the term, before an absolute slot, a lease holds in: whole weeks at once, the rest slot by slot. */
function heldBefore(lease: Lease, slot: bigint): bigint {
  const passed = least(most(slot - lease.firstSlot, 0n), lease.termSlots);
  if (always(lease)) return passed;
  const weeks = passed / SLOTS_A_WEEK;
  const held = weeks === 0n ? 0n : weeks * heldAmong(lease, SLOTS_A_WEEK);
  return held + heldAmong(lease, passed - weeks * SLOTS_A_WEEK);
}

/** Held slots among so many from the lease's first on; every week holds as many. */
function heldAmong(lease: Lease, count: bigint): bigint {
  let held = 0n;
  for (let at = 0n; at < count; at += 1n) if (windowHolds(lease, lease.firstSlot + at)) held += 1n;
  return held;
}

const always = ({ weekdayMask, dayFirstSlot, daySlots }: Lease): boolean =>
  weekdayMask === EVERY_DAY && dayFirstSlot === 0 && daySlots === SLOTS_A_DAY;

function windowHolds(lease: Lease, slot: bigint): boolean {
  if (always(lease)) return true;
  const day = dayOfSlot(slot);
  const weekday = (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
  const slotOfDay = Number(slot - firstSlotOf(day));
  const onDay = ((BigInt(lease.weekdayMask) >> BigInt(weekday)) & 1n) === 1n;
  return onDay && slotOfDay >= lease.dayFirstSlot && slotOfDay < lease.dayFirstSlot + lease.daySlots;
}

const dayOfMonth = (day: number): number => new Date(day * 86_400_000).getUTCDate();
