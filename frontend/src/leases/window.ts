/** Which slots of a term an offer or lease holds in, and what they cost: the contract's own arithmetic (protocol 7.2). */

const SLOTS_A_DAY = 96;
const ZONE_SLOTS = 32;
/** 1970-01-01 was a Thursday; Monday is 0. */
const FIRST_WEEKDAY = 3;
const SLOTS_A_YEAR = 35_040n;

export interface Window {
  readonly firstSlot: number;
  readonly endSlot: number;
  readonly weekdayMask: number;
  readonly dayFirstSlot: number;
  readonly daySlots: number;
}

/** How many slots of the window hold: day by day, each day's part of the hours. */
export function heldSlots({ firstSlot, endSlot, weekdayMask, dayFirstSlot, daySlots }: Window): number {
  let held = 0;
  for (let day = localDay(firstSlot); day * SLOTS_A_DAY - ZONE_SLOTS < endSlot; day += 1) {
    if (((weekdayMask >> ((day + FIRST_WEEKDAY) % 7)) & 1) === 0) continue;
    const from = Math.max(firstSlot, day * SLOTS_A_DAY - ZONE_SLOTS + dayFirstSlot);
    const to = Math.min(endSlot, day * SLOTS_A_DAY - ZONE_SLOTS + dayFirstSlot + daySlots);
    held += Math.max(0, to - from);
  }
  return held;
}

/** Rent of a lease, cents, rounded half up once. */
export function rentCents(powerW: bigint, centsPerKwYear: bigint, window: Window): bigint {
  return halfUp(powerW * centsPerKwYear * BigInt(heldSlots(window)), 1_000n * SLOTS_A_YEAR);
}

/** What it costs a party to end a lease alone at a slot: the offer's part of the rent left, cents. */
export function endPriceCents(rent: bigint, feeBp: number, window: Window, endSlot: number): bigint {
  const until = halfUp(rent * BigInt(heldSlots({ ...window, endSlot })), BigInt(heldSlots(window)));
  return halfUp((rent - until) * BigInt(feeBp), 10_000n);
}

/** Whether a window is every slot of its term. */
export function isAlways({ weekdayMask, daySlots }: Pick<Window, "weekdayMask" | "daySlots">): boolean {
  return weekdayMask === 0x7f && daySlots === SLOTS_A_DAY;
}

function localDay(slot: number): number {
  return Math.floor((slot + ZONE_SLOTS) / SLOTS_A_DAY);
}

function halfUp(value: bigint, divisor: bigint): bigint {
  return (2n * value + divisor) / (2n * divisor);
}
