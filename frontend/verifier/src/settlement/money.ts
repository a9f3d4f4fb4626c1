/** Exact money: one rounding rule and one splitting rule, in signed 64-bit integers (protocol 8.1.1, 8.1.2). */

import { floorDiv } from "../calendar.ts";
import { RuleError } from "../error.ts";

const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);
const WH_PER_MWH = 1_000_000n;

/** The larger of two integers. */
export const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The smaller of two integers. */
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** An integer without its sign. */
export const size = (value: bigint): bigint => (value < 0n ? -value : value);

/** The quotient rounded up, towards plus infinity; the divisor is above 0. */
export const ceilDiv = (value: bigint, divisor: bigint): bigint => -floorDiv(-value, divisor);

/** The sum of integers, 0 for none. */
export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

/** a · b / c, rounded once, half away from zero; refused if the divisor is not positive or 64 bits do not hold it. */
export function mulDiv(a: bigint, b: bigint, c: bigint): bigint {
  if (c <= 0n) throw new RuleError("divisor_not_positive", { divisor: c });
  return int64(roundedHalfAway(a * b, c));
}

/** value / divisor rounded once, half away from zero, of any size. */
export function roundedHalfAway(value: bigint, divisor: bigint): bigint {
  const whole = (2n * size(value) + divisor) / (2n * divisor);
  return value < 0n ? -whole : whole;
}

/** What an energy costs at a price in cents per MWh, cents; the sign is the product's. */
export const energyCents = (energyWh: bigint, priceCentsPerMwh: bigint): bigint =>
  mulDiv(energyWh, priceCentsPerMwh, WH_PER_MWH);

/**
 * Split a total by weights so that the parts sum to it exactly: floors first, then one each by larger remainder, ties to
 * the lower identifier; all weights 0 count as equal. The parts stand in ascending order of identifier.
 */
export function largestRemainder(total: bigint, weights: ReadonlyMap<number, bigint>): Map<number, bigint> {
  const shares = usable(total, weights);
  const whole = sum(shares.map((share) => share.weight));
  const amount = size(total);
  const parts = shares.map(({ key, weight }) => {
    const product = amount * weight;
    return { key, floor: product / whole, remainder: product % whole };
  });
  const left = Number(amount - sum(parts.map((part) => part.floor)));
  const ranked = [...parts].sort((a, b) => descending(a.remainder, b.remainder) || a.key - b.key);
  const raised = new Set(ranked.slice(0, left).map((part) => part.key));
  const sign = total < 0n ? -1n : 1n;
  return new Map(parts.map(({ key, floor }) => [key, sign * (raised.has(key) ? floor + 1n : floor)]));
}

function int64(value: bigint): bigint {
  if (value < INT64_MIN || value > INT64_MAX) throw new RuleError("beyond_int64", { value });
  return value;
}

function usable(total: bigint, weights: ReadonlyMap<number, bigint>): { key: number; weight: bigint }[] {
  if (weights.size === 0) throw new RuleError("nobody_to_share", { total });
  const ordered = [...weights].sort(([a], [b]) => a - b).map(([key, weight]) => ({ key, weight }));
  for (const { key, weight } of ordered) {
    if (weight < 0n) throw new RuleError("weight_negative", { key, weight });
  }
  return ordered.some(({ weight }) => weight > 0n) ? ordered : ordered.map(({ key }) => ({ key, weight: 1n }));
}

const descending = (a: bigint, b: bigint): number => (a === b ? 0 : a > b ? -1 : 1);
