/** Which row and which prices bind each slot: what was anchored, or what a station accepted (protocol 8.3.2, 6.9). */

import { SLOTS_A_DAY } from "../calendar.ts";
import type { BillingGroup, Hex } from "../values.ts";
import { ZERO_DIGEST } from "../values.ts";
import type { PriceRow, Schedule, ScheduleRow } from "./schedule.ts";

/** A schedule and the digest under which it stands in the log. */
export interface AnchoredSchedule {
  readonly digest: Hex;
  readonly schedule: Schedule;
}

/** A price row and the schedule that it stands in. */
export interface BindingPrices {
  readonly digest: Hex;
  readonly row: PriceRow;
}

/** The key of a station's, or a group's, slot in a map. */
export const slotKey = (number: number, slot: number): string => `${number} ${slot}`;

interface Indexed {
  readonly rows: ReadonlyMap<string, ScheduleRow>;
  readonly prices: ReadonlyMap<string, PriceRow>;
}

export class EffectivePlan {
  private readonly used: ReadonlyMap<Hex, Indexed>;

  /** `effective`: slot → schedule; `accepted`: slotKey(station, slot) → what that station's own key bound it to instead. */
  constructor(
    private readonly effective: ReadonlyMap<number, AnchoredSchedule>,
    private readonly accepted: ReadonlyMap<string, AnchoredSchedule> = new Map(),
  ) {
    const schedules = new Map([...effective.values(), ...accepted.values()].map((held) => [held.digest, held.schedule]));
    this.used = new Map([...schedules].map(([digest, schedule]) => [digest, indexed(schedule)]));
  }

  /** The schedules that bind any slot. */
  get digests(): readonly Hex[] {
    return [...this.used.keys()];
  }

  /** The schedule that binds a station in a slot; zero if none does. */
  binding(station: number, slot: number): Hex {
    return (this.accepted.get(slotKey(station, slot)) ?? this.effective.get(slot))?.digest ?? ZERO_DIGEST;
  }

  row(station: number, slot: number): ScheduleRow | null {
    return this.used.get(this.binding(station, slot))?.rows.get(slotKey(station, slot)) ?? null;
  }

  /** The prices of a group's slot; none where its stations are bound by different schedules. */
  prices(group: BillingGroup, slot: number): BindingPrices | null {
    const [digest, ...others] = new Set(group.stations.map((station) => this.binding(station, slot)));
    if (digest === undefined || others.length > 0) return null;
    const row = this.used.get(digest)?.prices.get(slotKey(group.number, slot));
    return row === undefined ? null : { digest, row };
  }

  /** The 96 planned energies of a station's PCC, export positive; 0 where no row stands. */
  plannedNetWh(station: number): readonly bigint[] {
    return Array.from({ length: SLOTS_A_DAY }, (_, slot) => this.row(station, slot)?.plannedNetWh ?? 0n);
  }
}

function indexed(schedule: Schedule): Indexed {
  return {
    rows: new Map(schedule.rows.map((row) => [slotKey(row.station, row.slot), row])),
    prices: new Map(schedule.prices.map((row) => [slotKey(row.group, row.slot), row])),
  };
}
