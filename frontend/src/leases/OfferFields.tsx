/** The offer form's fields: what everybody must say, then the terms that have good defaults. */

import type { ReactNode } from "react";
import { Choice, Field } from "../act/Field.tsx";
import { useText } from "../text/TextProvider.tsx";
import { SLOTS_A_DAY, slotStart } from "../units/time.ts";
import type { OfferField, OfferForm } from "./offerForm.ts";
import { PartFields } from "./PartFields.tsx";

const HOURS = Array.from({ length: SLOTS_A_DAY + 1 }, (_, slot) => ({ value: slot, label: slotStart(slot) }));

export interface OfferFieldsProps {
  readonly form: OfferForm;
  readonly change: (part: Partial<OfferForm>) => void;
  readonly wrong: readonly OfferField[];
}

export function OfferFields({ form, change, wrong }: OfferFieldsProps): ReactNode {
  const { leases: words } = useText().text;
  const partWrong = (["powerKw", "energyKwh", "firstDay", "days"] as const).filter((field) => wrong.includes(field));
  return (
    <>
      <PartFields form={form} change={change} wrong={partWrong} firstDayLabel={words.firstDay} />
      <Field label={words.rentPrice} unit={words.rentUnit} value={form.rent} set={(rent) => change({ rent })} wrong={wrong.includes("rent")} />
      <Field label={words.wear} unit={words.perKwh} hint={words.wearHint} value={form.wear} set={(wear) => change({ wear })} wrong={wrong.includes("wear")} />
    </>
  );
}

export function MoreOfferFields({ form, change, wrong }: OfferFieldsProps): ReactNode {
  const { leases: words } = useText().text;
  return (
    <>
      <Weekdays mask={form.weekdayMask} set={(weekdayMask) => change({ weekdayMask })} />
      <Choice label={words.fromTime} value={form.fromSlot} set={(fromSlot) => change({ fromSlot })} options={HOURS.slice(0, -1)} />
      <Choice label={words.toTime} value={form.toSlot} set={(toSlot) => change({ toSlot })} options={HOURS.slice(1)} />
      <Field label={words.sla} unit="%" value={form.sla} set={(sla) => change({ sla })} wrong={wrong.includes("sla")} />
      <Field label={words.slaFactor} unit="%" hint={words.slaFactorHint} value={form.slaFactor} set={(slaFactor) => change({ slaFactor })} wrong={wrong.includes("slaFactor")} />
      <Field label={words.handover} unit="kWh" hint={words.handoverHint} value={form.handoverKwh} set={(handoverKwh) => change({ handoverKwh })} wrong={wrong.includes("handoverKwh")} />
      <Field label={words.handoverPrice} unit={words.perKwh} value={form.handoverPrice} set={(handoverPrice) => change({ handoverPrice })} wrong={wrong.includes("handoverPrice")} />
      <Field label={words.endNotice} unit={words.days} hint={words.endNoticeHint} value={form.endNoticeDays} set={(endNoticeDays) => change({ endNoticeDays })} wrong={wrong.includes("endNoticeDays")} />
      <Field label={words.endFee} unit="%" hint={words.endFeeHint} value={form.endFee} set={(endFee) => change({ endFee })} wrong={wrong.includes("endFee")} />
      <Field label={words.etaC} unit="%" value={form.etaC} set={(etaC) => change({ etaC })} wrong={wrong.includes("etaC")} />
      <Field label={words.etaD} unit="%" value={form.etaD} set={(etaD) => change({ etaD })} wrong={wrong.includes("etaD")} />
    </>
  );
}

function Weekdays({ mask, set }: { readonly mask: number; readonly set: (mask: number) => void }): ReactNode {
  const { leases: words } = useText().text;
  return (
    <fieldset className="weekdays wide" aria-label={words.whichDays}>
      {words.weekdays.map((day, at) => (
        <label key={day}>
          <input type="checkbox" checked={((mask >> at) & 1) === 1} onChange={() => set(mask ^ (1 << at))} />
          {day}
        </label>
      ))}
    </fieldset>
  );
}
