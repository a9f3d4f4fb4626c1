/** An offer's terms in words. */

import type { ReactNode } from "react";
import type { Offer } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import type { LeaseTexts } from "../text/zhLeases.ts";
import { pricePerKwh, yuan } from "../units/money.ts";
import { energy, ppm, share } from "../units/quantity.ts";
import { absoluteSlot, SLOTS_A_DAY, slotStart } from "../units/time.ts";
import { isAlways } from "./window.ts";

/** First and last day of a term, the last one counted in. */
export function termText(words: LeaseTexts, firstSlot: number, endSlot: number): string {
  return words.termText(absoluteSlot(firstSlot).slice(0, 10), absoluteSlot(endSlot - 1).slice(0, 10));
}

/** Weekdays and hours of a window. */
export function windowText(
  words: LeaseTexts,
  window: { readonly weekdayMask: number; readonly dayFirstSlot: number; readonly daySlots: number },
): string {
  if (isAlways(window)) return words.always;
  const days = window.weekdayMask === 0x7f ? words.everyDay : words.weekdays.filter((_, at) => ((window.weekdayMask >> at) & 1) === 1).join(" ");
  const { dayFirstSlot, daySlots } = window;
  return daySlots === SLOTS_A_DAY ? days : `${days} ${slotStart(dayFirstSlot)}–${slotStart(dayFirstSlot + daySlots)}`;
}

export function TermsFacts({ offer }: { readonly offer: Offer }): ReactNode {
  const { text } = useText();
  const { leases: words } = text;
  const ending =
    offer.endNoticeSlots === 0
      ? words.endTogetherOnly
      : words.endTermsText(`${offer.endNoticeSlots / SLOTS_A_DAY}`, share(offer.endFeeBp));
  return (
    <dl className="facts">
      <Fact name={words.window} value={windowText(words, offer)} />
      <Fact name={words.rentPrice} value={`${yuan(offer.rentCentsPerKwYear)} ${words.rentUnit}`} />
      <Fact name={words.wear} value={`${pricePerKwh(Number(offer.wearPrice))} ${words.perKwh}`} />
      <Fact name={words.efficiency} value={`${ppm(offer.etaCPpm, 1)} / ${ppm(offer.etaDPpm, 1)}`} />
      <Fact name={words.sla} value={share(offer.slaBp)} />
      <Fact name={words.slaFactor} value={share(offer.slaFactorBp)} />
      {offer.handoverWh > 0 && (
        <Fact name={words.handover} value={`${energy(offer.handoverWh)} · ${pricePerKwh(Number(offer.handoverPrice))} ${words.perKwh}`} />
      )}
      <Fact name={words.endTerms} value={ending} />
    </dl>
  );
}

export function Fact({ name, value }: { readonly name: string; readonly value: ReactNode }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
