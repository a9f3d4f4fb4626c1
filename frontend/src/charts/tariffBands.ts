/** The tariff as bands behind a curve: runs of slots with one buy price, named by how it ranks that day. */

export type BandClass = "peak" | "flat" | "valley";

export interface Band {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
  readonly buyPrice: number;
  readonly rank: BandClass;
}

/** Runs of equal buy price; the day's highest price is its peak, the lowest its valley, all between flat. */
export function bandsOf(slots: readonly { readonly buyPrice: number }[]): readonly Band[] {
  const prices = slots.map((slot) => slot.buyPrice);
  const [lowest, highest] = [Math.min(...prices), Math.max(...prices)];
  const rankOf = (price: number): BandClass => (lowest === highest ? "flat" : price === highest ? "peak" : price === lowest ? "valley" : "flat");
  const bands: Band[] = [];
  prices.forEach((price, slot) => {
    const last = bands.at(-1);
    if (last !== undefined && last.buyPrice === price) bands[bands.length - 1] = { ...last, to: slot + 1 };
    else bands.push({ from: slot, to: slot + 1, buyPrice: price, rank: rankOf(price) });
  });
  return bands;
}
