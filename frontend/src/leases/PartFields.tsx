/** Power, energy, first day and days: what a lease takes of an offer. */

import type { ReactNode } from "react";
import { Field } from "../act/Field.tsx";
import { useText } from "../text/TextProvider.tsx";
import type { PartForm } from "./offerForm.ts";

export function PartFields({
  form,
  change,
  wrong,
  firstDayLabel,
}: {
  readonly form: PartForm;
  readonly change: (part: Partial<PartForm>) => void;
  readonly wrong: readonly (keyof PartForm)[];
  readonly firstDayLabel: string;
}): ReactNode {
  const { leases: words } = useText().text;
  return (
    <>
      <Field label={words.power} unit="kW" value={form.powerKw} set={(powerKw) => change({ powerKw })} wrong={wrong.includes("powerKw")} />
      <Field label={words.energy} unit="kWh" value={form.energyKwh} set={(energyKwh) => change({ energyKwh })} wrong={wrong.includes("energyKwh")} />
      <Field label={firstDayLabel} type="date" value={form.firstDay} set={(firstDay) => change({ firstDay })} wrong={wrong.includes("firstDay")} />
      <Field label={words.dayCount} unit={words.days} value={form.days} set={(days) => change({ days })} wrong={wrong.includes("days")} />
    </>
  );
}
