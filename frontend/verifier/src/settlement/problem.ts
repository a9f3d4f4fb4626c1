/** The limits of what a plan is made from, and each holder's own part of each station (protocol 8.2.4, 8.4.4, 9.1). */

import { dayFirstSlot, SLOTS_A_DAY } from "../calendar.ts";
import { RuleError } from "../error.ts";
import { accountAfter, holdsIn } from "./lease.ts";
import { ceilDiv, least, most, size, sum } from "./money.ts";
import type { Read } from "./plain.ts";
import { type Problem, readProblemFields, type Share, type Site } from "./schedule.ts";

const MOST_ENERGY_WH = 10n ** 12n;
const MOST_PRICE = 10n ** 9n;
const PPM = 1_000_000n;

/** One holder's part of a station, slot by slot: its rights are its own and no other holder's. Lease 0: the owner. */
export interface Part {
  readonly station: number;
  readonly lease: number;
  readonly member: number;
  readonly etaCPpm: bigint;
  readonly etaDPpm: bigint;
  readonly chargeWh: readonly bigint[];
  readonly dischargeWh: readonly bigint[];
  readonly startWh: bigint;
  readonly lowWh: readonly bigint[];
  readonly highWh: readonly bigint[];
  readonly transferWh: readonly bigint[];
  readonly loadWh: readonly bigint[];
  readonly curtailableWh: readonly bigint[];
  readonly importWh: readonly bigint[];
  readonly exportWh: readonly bigint[];
  readonly wearPrice: bigint;
  readonly nominationWh: readonly bigint[] | null;
}

/** Read a problem and check its limits. Throws RuleError plain_wrong, bad_input or nomination_refused. */
export const readProblem: Read<Problem> = (plain, where) => {
  const problem = readProblemFields(plain, where);
  checkProblem(problem);
  return problem;
};

/** Number of slots in the horizon. */
export const horizon = (problem: Problem): number => problem.sites[0]?.netLoadWh.length ?? 0;

/** All owners and lessees, ascending. */
export function membersOf(problem: Problem): readonly number[] {
  const found = [...problem.sites.map((site) => site.station.owner), ...problem.shares.map((share) => share.lease.lessee)];
  return [...new Set(found)].sort((a, b) => a - b);
}

/** Whether a lease runs in the k-th slot of the horizon. */
export function active(problem: Problem, share: Share, k: number): boolean {
  return holdsIn(share.lease, dayFirstSlot(problem.day) + BigInt(problem.firstSlot + k));
}

/** Each holder's part of each station, by station and lease. */
export function partsOf(problem: Problem): readonly Part[] {
  return problem.sites.flatMap((site) => {
    const shares = problem.shares.filter((share) => share.lease.station === site.station.number);
    return [ownPart(problem, site, shares), ...shares.map((share) => leasedPart(problem, share))];
  });
}

/** Least and most content of a whole battery; a content that starts outside opens the window that far. */
export function batteryWindow(site: Site): readonly [bigint, bigint] {
  return [least(site.energyMinWh, site.energyWh), most(site.energyMaxWh, site.energyWh)];
}

// Parts

const slotsOf = (problem: Problem): readonly number[] => Array.from({ length: horizon(problem) }, (_, k) => k);

const quarter = (powerW: bigint): bigint => powerW / 4n;

function ownPart(problem: Problem, site: Site, shares: readonly Share[]): Part {
  const { station } = site;
  const slots = slotsOf(problem);
  const leased = slots.map((k) => sum(running(problem, shares, k).map(({ lease }) => quarter(lease.powerW))));
  const less = (powerW: bigint): readonly bigint[] => leased.map((taken) => quarter(powerW) - taken);
  const { low, high } = ownWindow(problem, site, shares);
  return {
    station: station.number,
    lease: 0,
    member: station.owner,
    etaCPpm: site.etaCPpm,
    etaDPpm: site.etaDPpm,
    chargeWh: less(station.chargePowerW),
    dischargeWh: less(station.dischargePowerW),
    startWh: ownStart(problem, site, shares),
    lowWh: low,
    highWh: high,
    transferWh: slots.map((k) => sum(shares.map((share) => passed(problem, share, k)))),
    loadWh: site.netLoadWh,
    curtailableWh: site.curtailableWh,
    importWh: less(station.pccImportW),
    exportWh: less(station.pccExportW),
    wearPrice: site.wearPrice,
    nominationWh: null,
  };
}

function leasedPart(problem: Problem, share: Share): Part {
  const { lease } = share;
  const slots = slotsOf(problem);
  const power = slots.map((k) => (active(problem, share, k) ? quarter(lease.powerW) : 0n));
  const last = slots.findLast((k) => active(problem, share, k));
  const end = share.nominationWh === null ? share.endMinWh : 0n;
  const zeros = slots.map(() => 0n);
  return {
    station: lease.station,
    lease: lease.number,
    member: lease.lessee,
    etaCPpm: lease.etaCPpm,
    etaDPpm: lease.etaDPpm,
    chargeWh: power,
    dischargeWh: power,
    startWh: share.accountWh,
    lowWh: slots.map((k) => (k === last ? end : 0n)),
    highWh: slots.map(() => lease.energyWh),
    transferWh: zeros,
    loadWh: zeros,
    curtailableWh: zeros,
    importWh: power,
    exportWh: power,
    wearPrice: lease.wearPrice,
    nominationWh: share.nominationWh,
  };
}

const running = (problem: Problem, shares: readonly Share[], k: number): readonly Share[] =>
  shares.filter((share) => active(problem, share, k));

/** What the lessees' accounts do not hold when the horizon begins; a debt is negative. */
function ownStart(problem: Problem, site: Site, shares: readonly Share[]): bigint {
  return site.energyWh - sum(running(problem, shares, 0).map((share) => share.accountWh));
}

/** The owner's window: the battery's less the leased energy, open as far as a debt or a full room makes it, no further than the lessees can. */
function ownWindow(problem: Problem, site: Site, shares: readonly Share[]): { low: bigint[]; high: bigint[] } {
  const [bottom, top] = batteryWindow(site);
  const start = ownStart(problem, site, shares);
  const slots = slotsOf(problem);
  const low = slots.map((k) => {
    const reached = sum(running(problem, shares, k).map((share) => reach(problem, share, k).least));
    return most(least(bottom, most(start, bottom - reached)), site.ownNeedFloorWh[k] ?? 0n);
  });
  const high = slots.map((k) => {
    const here = running(problem, shares, k);
    const reached = sum(here.map((share) => reach(problem, share, k).most));
    return most(top - sum(here.map(({ lease }) => lease.energyWh)), least(start, top - reached));
  });
  const last = slots.length - 1;
  const staying = running(problem, shares, last);
  low[last] = most(low[last] ?? 0n, site.endMinWh - sum(staying.map(closingWh)));
  return { low, high };
}

/** Least and most that a running lease's account can hold at the end of the k-th slot. */
function reach(problem: Problem, share: Share, k: number): { least: bigint; most: bigint } {
  const { lease, accountWh } = share;
  const slots = BigInt(slotsOf(problem).filter((i) => i <= k && active(problem, share, i)).length);
  const step = quarter(lease.powerW);
  return {
    least: most(0n, accountWh - slots * ceilDiv(step * PPM, lease.etaDPpm)),
    most: least(lease.energyWh, accountWh + slots * ceilDiv(step * lease.etaCPpm, PPM)),
  };
}

/** Content that passes to the owner as the k-th slot begins: a lease's account when it ends, less it when one begins. */
function passed(problem: Problem, share: Share, k: number): bigint {
  if (k === 0) return 0n;
  const [before, now] = [active(problem, share, k - 1), active(problem, share, k)];
  if (before === now) return 0n;
  return now ? -share.accountWh : closingWh(share);
}

/** What a lessee's account holds for certain when its part of the horizon ends. */
function closingWh(share: Share): bigint {
  if (share.nominationWh === null) return share.endMinWh;
  return share.nominationWh.reduce((account, planned) => accountAfter(account, planned, share.lease), share.accountWh);
}

// Limits

function checkProblem(problem: Problem): void {
  within("alliance", BigInt(problem.alliance.length / 2 - 1), 32n, 32n);
  within("sites", BigInt(problem.sites.length), 1n, 10_000n);
  const slots = horizon(problem);
  within("slots", BigInt(slots), 1n, BigInt(SLOTS_A_DAY));
  within("first_slot", BigInt(problem.firstSlot), 0n, BigInt(SLOTS_A_DAY - slots));
  within("revision", BigInt(problem.revision), 0n, MOST_ENERGY_WH);
  ascending("sites", problem.sites.map(({ station }) => BigInt(station.number)));
  ascending("groups", problem.groups.map(({ group }) => BigInt(group.number)));
  ascending("shares", problem.shares.map(({ lease }) => 1_000_000_000n * BigInt(lease.station) + BigInt(lease.number)));
  ascending("leases", problem.shares.map(({ lease }) => BigInt(lease.number)).sort(bySize));
  for (const site of problem.sites) checkSite(site, slots);
  for (const share of problem.shares) checkShare(problem, share);
  for (const site of problem.sites) checkRoom(problem, site);
  checkGroups(problem);
}

function checkSite(site: Site, slots: number): void {
  const { station } = site;
  const name = `sites[${station.number}]`;
  within(`${name}.charge_power_w`, station.chargePowerW, 0n, MOST_ENERGY_WH);
  within(`${name}.discharge_power_w`, station.dischargePowerW, 0n, MOST_ENERGY_WH);
  within(`${name}.capacity_wh`, station.capacityWh, 0n, MOST_ENERGY_WH);
  within(`${name}.pcc_import_w`, station.pccImportW, 0n, MOST_ENERGY_WH);
  within(`${name}.pcc_export_w`, station.pccExportW, 0n, MOST_ENERGY_WH);
  within(`${name}.eta_c_ppm`, site.etaCPpm, 1n, PPM);
  within(`${name}.eta_d_ppm`, site.etaDPpm, 1n, PPM);
  within(`${name}.energy_max_wh`, site.energyMaxWh, 0n, station.capacityWh);
  within(`${name}.energy_min_wh`, site.energyMinWh, 0n, site.energyMaxWh);
  within(`${name}.energy_wh`, site.energyWh, 0n, station.capacityWh);
  within(`${name}.end_min_wh`, site.endMinWh, 0n, station.capacityWh);
  within(`${name}.wear_price`, site.wearPrice, 0n, MOST_PRICE);
  each(`${name}.net_load_wh`, site.netLoadWh, slots, -MOST_ENERGY_WH, MOST_ENERGY_WH);
  each(`${name}.own_need_floor_wh`, site.ownNeedFloorWh, slots, 0n, station.capacityWh);
  each(`${name}.curtailable_wh`, site.curtailableWh, slots, 0n, MOST_ENERGY_WH);
}

function checkShare(problem: Problem, share: Share): void {
  const { lease } = share;
  const name = `shares[${lease.number}]`;
  const host = problem.sites.findLast(({ station }) => station.number === lease.station);
  if (host?.station.owner !== lease.owner) {
    throw badInput(`${name}.owner`, BigInt(lease.owner), `owner of station ${lease.station} in the sites`);
  }
  within(`${name}.weekday_mask`, BigInt(lease.weekdayMask), 1n, 0x7fn);
  within(`${name}.day_first_slot`, BigInt(lease.dayFirstSlot), 0n, BigInt(SLOTS_A_DAY - 1));
  within(`${name}.day_slots`, BigInt(lease.daySlots), 1n, BigInt(SLOTS_A_DAY - lease.dayFirstSlot));
  if (!slotsOf(problem).some((k) => active(problem, share, k))) {
    throw badInput(`${name}.first_slot`, lease.firstSlot, "a lease that runs in the horizon");
  }
  within(`${name}.lease`, BigInt(lease.number), 1n, 999_999_999n);
  within(`${name}.eta_c_ppm`, lease.etaCPpm, 1n, PPM);
  within(`${name}.eta_d_ppm`, lease.etaDPpm, 1n, PPM);
  within(`${name}.wear_price`, lease.wearPrice, 0n, MOST_PRICE);
  within(`${name}.power_w`, lease.powerW, 0n, MOST_ENERGY_WH);
  within(`${name}.energy_wh`, lease.energyWh, 0n, MOST_ENERGY_WH);
  within(`${name}.account_wh`, share.accountWh, 0n, lease.energyWh);
  within(`${name}.end_min_wh`, share.endMinWh, 0n, lease.energyWh);
  if (share.nominationWh !== null) checkNomination(problem, share, share.nominationWh);
}

function checkNomination(problem: Problem, share: Share, nomination: readonly bigint[]): void {
  const { lease } = share;
  each(`shares[${lease.number}].nomination_wh`, nomination, horizon(problem), -MOST_ENERGY_WH, MOST_ENERGY_WH);
  let account = share.accountWh;
  nomination.forEach((planned, k) => {
    const power = active(problem, share, k) ? quarter(lease.powerW) : 0n;
    account = accountAfter(account, planned, lease);
    const kept = account >= 0n && account <= lease.energyWh;
    if (size(planned) <= power && kept) return;
    throw new RuleError("nomination_refused", {
      lease: lease.number,
      slot: problem.firstSlot + k,
      nominated_wh: planned,
      account_wh: account,
      limit: size(planned) > power ? `${power} Wh a slot` : `account 0…${lease.energyWh} Wh`,
    });
  });
}

/** The leases that run together fit into the station: power, PCC right and energy. */
function checkRoom(problem: Problem, site: Site): void {
  const { station } = site;
  const shares = problem.shares.filter(({ lease }) => lease.station === station.number);
  if (shares.length === 0) return;
  const power = [station.chargePowerW, station.dischargePowerW, station.pccImportW, station.pccExportW].reduce(least);
  const room = site.energyMaxWh - site.energyMinWh;
  for (const k of slotsOf(problem)) {
    const here = running(problem, shares, k).map(({ lease }) => lease);
    const where = `sites[${station.number}] slot ${problem.firstSlot + k}`;
    within(`${where} leased quarter-hours`, sum(here.map(({ powerW }) => quarter(powerW))), 0n, quarter(power));
    within(`${where} leased energy_wh`, sum(here.map(({ energyWh }) => energyWh)), 0n, room);
  }
}

function checkGroups(problem: Problem): void {
  const grouped = problem.groups.flatMap(({ group }) => group.stations);
  for (const { group } of problem.groups) ascending(`groups[${group.number}].stations`, group.stations.map(BigInt));
  for (const { station } of problem.sites) {
    const found = grouped.filter((number) => number === station.number).length;
    within(`groups that hold station ${station.number}`, BigInt(found), 1n, 1n);
  }
  within("stations in groups", BigInt(grouped.length), BigInt(problem.sites.length), BigInt(problem.sites.length));
  for (const { group, tariff } of problem.groups) {
    const name = `groups[${group.number}].tariff`;
    within(`${name} slots`, BigInt(tariff.slots.length), BigInt(horizon(problem)), BigInt(horizon(problem)));
    tariff.slots.forEach(({ buyPrice, sellPrice, networkPrice }, k) => {
      within(`${name}[${k}].buy_price`, buyPrice, -MOST_PRICE, MOST_PRICE);
      within(`${name}[${k}].network_price`, networkPrice, 0n, MOST_PRICE);
      within(`${name}[${k}].sell_price`, sellPrice, -MOST_PRICE, buyPrice - networkPrice);
    });
  }
}

function each(field: string, values: readonly bigint[], slots: number, low: bigint, high: bigint): void {
  within(`${field} slots`, BigInt(values.length), BigInt(slots), BigInt(slots));
  values.forEach((value, k) => within(`${field}[${k}]`, value, low, high));
}

function within(field: string, value: bigint, low: bigint, high: bigint): void {
  if (value < low || value > high) throw badInput(field, value, `${low}…${high}`);
}

function ascending(field: string, numbers: readonly bigint[]): void {
  numbers.forEach((value, at) => {
    const before = numbers[at - 1];
    if (before !== undefined && before >= value) throw badInput(field, value, `ascending, after ${before}`);
  });
}

const badInput = (field: string, value: bigint, limit: string): RuleError =>
  new RuleError("bad_input", { field, value, limit });

const bySize = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1);
