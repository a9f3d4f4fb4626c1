/** Money: integer CNY cents, as decimal texts on the wire, become 元 only here; prices are cents per MWh. */

const MINUS = "−";

/** Cents (a decimal text or bigint) as yuan with two places, exactly. */
export function yuan(cents: string | bigint, { signed = false }: { readonly signed?: boolean } = {}): string {
  const value = BigInt(cents);
  const magnitude = value < 0n ? -value : value;
  const whole = (magnitude / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const text = `${whole}.${(magnitude % 100n).toString().padStart(2, "0")}`;
  const sign = value < 0n ? MINUS : signed && value > 0n ? "+" : "";
  return `${sign}${text}`;
}

/** Cents per MWh as yuan per kWh: 100,000 is 1. */
export function pricePerKwh(centsPerMwh: number): string {
  return (centsPerMwh / 100_000).toFixed(5).replace(/0{1,2}$/, "").replace("-", MINUS);
}

/** Sum of amounts in cents. */
export function sumCents(amounts: Iterable<string | bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += BigInt(amount);
  return sum;
}
