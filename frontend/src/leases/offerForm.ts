/** The offer form's texts as the contract's integers; which fields are wrong is told, nothing is guessed. */

import type { OfferTerms } from "../chain/call.ts";
import { daysInSlots, firstSlotOf, scaled } from "../units/entry.ts";

export interface OfferForm {
  readonly station: number;
  readonly powerKw: string;
  readonly energyKwh: string;
  readonly firstDay: string;
  readonly days: string;
  readonly rent: string;
  readonly wear: string;
  readonly etaC: string;
  readonly etaD: string;
  readonly handoverKwh: string;
  readonly handoverPrice: string;
  readonly sla: string;
  readonly slaFactor: string;
  readonly weekdayMask: number;
  readonly fromSlot: number;
  readonly toSlot: number;
  readonly endNoticeDays: string;
  readonly endFee: string;
}

export type OfferField = keyof OfferForm;

/** Which price list an owner quotes; this page has one. */
const PRICE_VERSION = 1;
const SLOTS_A_DAY = 96;

/** The terms, or the fields that are no numbers in their unit. */
export function termsOf(form: OfferForm): { readonly terms: OfferTerms } | { readonly wrong: readonly OfferField[] } {
  const read = {
    powerKw: positive(form.powerKw, 3),
    energyKwh: positive(form.energyKwh, 3),
    firstDay: firstSlotOf(form.firstDay),
    days: daysInSlots(form.days),
    rent: natural(form.rent, 2),
    wear: scaled(form.wear, 5),
    etaC: natural(form.etaC, 4),
    etaD: natural(form.etaD, 4),
    handoverKwh: natural(form.handoverKwh, 3),
    handoverPrice: scaled(form.handoverPrice, 5),
    sla: natural(form.sla, 2),
    slaFactor: natural(form.slaFactor, 2),
    endNoticeDays: natural(form.endNoticeDays, 0),
    endFee: natural(form.endFee, 2),
  };
  const wrong = (Object.keys(read) as (keyof typeof read)[]).filter((field) => read[field] === null);
  const hours = form.toSlot > form.fromSlot && form.weekdayMask !== 0 ? [] : (["toSlot"] as const);
  if (wrong.length + hours.length > 0) return { wrong: [...wrong, ...hours] };
  return {
    terms: {
      stationId: form.station,
      powerW: BigInt(read.powerKw ?? 0n),
      energyWh: BigInt(read.energyKwh ?? 0n),
      firstSlot: Number(read.firstDay),
      termSlots: Number(read.days),
      etaCPpm: Number(read.etaC),
      etaDPpm: Number(read.etaD),
      rentCentsPerKwYear: BigInt(read.rent ?? 0n),
      wearPrice: BigInt(read.wear ?? 0n),
      handoverWh: BigInt(read.handoverKwh ?? 0n),
      handoverPrice: BigInt(read.handoverPrice ?? 0n),
      slaBp: Number(read.sla),
      slaFactorBp: Number(read.slaFactor),
      priceVersion: PRICE_VERSION,
      weekdayMask: form.weekdayMask,
      dayFirstSlot: form.fromSlot,
      daySlots: form.toSlot - form.fromSlot,
      endNoticeSlots: Number(read.endNoticeDays) * SLOTS_A_DAY,
      endFeeBp: Number(read.endFee),
    },
  };
}

export interface PartForm {
  readonly powerKw: string;
  readonly energyKwh: string;
  readonly firstDay: string;
  readonly days: string;
}

/** A part of an offer, or the fields that are wrong. */
export function partOf(form: PartForm) {
  const read = {
    powerKw: positive(form.powerKw, 3),
    energyKwh: positive(form.energyKwh, 3),
    firstDay: firstSlotOf(form.firstDay),
    days: daysInSlots(form.days),
  };
  const wrong = (Object.keys(read) as (keyof PartForm)[]).filter((field) => read[field] === null);
  const { powerKw, energyKwh, firstDay, days } = read;
  if (powerKw === null || energyKwh === null || firstDay === null || days === null) return { part: null, wrong };
  return { part: { powerW: powerKw, energyWh: energyKwh, firstSlot: firstDay, termSlots: days }, wrong };
}

function natural(text: string, places: number): bigint | null {
  const value = scaled(text, places);
  return value === null || value < 0n ? null : value;
}

function positive(text: string, places: number): bigint | null {
  const value = scaled(text, places);
  return value === null || value <= 0n ? null : value;
}
