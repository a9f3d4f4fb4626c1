/** Integers become text only here: W → kW, Wh → kWh, 1/10,000 → %, ppm → %, each with its unit. Out of the station is positive. */

const NONE = "—";
const MINUS = "−";

/** A number with grouped thousands and a true minus sign. */
export function figure(value: number, digits: number): string {
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return value < 0 && Number(Math.abs(value).toFixed(digits)) !== 0 ? `${MINUS}${text}` : text;
}

/** W as kW. */
export function power(watts: number | null | undefined, digits = 0): string {
  return watts === null || watts === undefined ? NONE : `${figure(watts / 1000, digits)} kW`;
}

/** Wh as kWh. */
export function energy(wattHours: number | null | undefined, digits = 0): string {
  return wattHours === null || wattHours === undefined ? NONE : `${figure(wattHours / 1000, digits)} kWh`;
}

/** 1/10,000 as per cent. */
export function share(basisPoints: number | null | undefined, digits = 1): string {
  return basisPoints === null || basisPoints === undefined ? NONE : `${figure(basisPoints / 100, digits)} %`;
}

/** Parts per million as per cent. */
export function ppm(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined ? NONE : `${figure(value / 10_000, digits)} %`;
}

/** Mean power of a slot of 15 minutes, kW, out of its energy in Wh. */
export function slotPowerKw(wattHours: number | null | undefined): number | null {
  return wattHours === null || wattHours === undefined ? null : (wattHours * 4) / 1000;
}
