/** Taking a part of an offer, with its rent before anything is signed. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Offer } from "../api/queries.ts";
import { takeOffer } from "../chain/call.ts";
import { useText } from "../text/TextProvider.tsx";
import { typed } from "../units/entry.ts";
import { yuan } from "../units/money.ts";
import { absoluteSlot, dayAfter, SLOTS_A_DAY } from "../units/time.ts";
import { partOf, type PartForm } from "./offerForm.ts";
import { PartFields } from "./PartFields.tsx";
import type { Room } from "./room.ts";
import { rentCents } from "./window.ts";

export function TakeForm({ offer, free, nowSlot }: { readonly offer: Offer; readonly free: Room; readonly nowSlot: number }): ReactNode {
  const { text } = useText();
  const act = useAct();
  const [form, setForm] = useState<PartForm>(() => initial(offer, free, nowSlot));
  const [sent, setSent] = useState(false);
  const { part, wrong } = partOf(form);
  const busy = act.state === "wallet" || act.state === "sent";
  const rent =
    part === null
      ? null
      : rentCents(part.powerW, BigInt(offer.rentCentsPerKwYear), { ...offer, firstSlot: part.firstSlot, endSlot: part.firstSlot + part.termSlots });
  const submit = (): void => {
    setSent(true);
    if (part !== null) act.run(takeOffer(offer.offer, part));
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <PartFields form={form} change={(part) => setForm({ ...form, ...part })} wrong={sent ? wrong : []} firstDayLabel={text.leases.firstDay} />
      <div className="actions wide">
        <Button type="primary" htmlType="submit" loading={busy}>
          {text.leases.submitTake}
        </Button>
        {rent !== null && <strong>{text.leases.rentFor(yuan(rent))}</strong>}
        <span className="muted">{text.act.costs}</span>
      </div>
      <div className="wide">
        <Outcome act={act} />
      </div>
    </form>
  );
}

/** What is free, from the first whole day that is still to come, to the offer's end. */
function initial(offer: Offer, free: Room, nowSlot: number): PartForm {
  const tomorrow = dayAfter(absoluteSlot(nowSlot).slice(0, 10), 1);
  const first = absoluteSlot(offer.firstSlot).slice(0, 10);
  const firstDay = first > tomorrow ? first : tomorrow;
  const end = absoluteSlot(offer.firstSlot + offer.termSlots).slice(0, 10);
  const days = Math.max(1, (Date.parse(end) - Date.parse(firstDay)) / 86_400_000);
  return {
    powerKw: typed(Math.max(0, free.powerW), 3),
    energyKwh: typed(Math.max(0, free.energyWh), 3),
    firstDay,
    days: `${Math.min(days, offer.termSlots / SLOTS_A_DAY)}`,
  };
}
