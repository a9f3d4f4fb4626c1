/** Asking for other quantities or another term from a day on. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Lease } from "../api/queries.ts";
import { amendLease } from "../chain/call.ts";
import { useText } from "../text/TextProvider.tsx";
import { firstSlotOf, typed } from "../units/entry.ts";
import { absoluteSlot, dayAfter, SLOTS_A_DAY } from "../units/time.ts";
import { partOf, type PartForm } from "./offerForm.ts";
import { PartFields } from "./PartFields.tsx";

export function AmendForm({ lease, nowSlot }: { readonly lease: Lease; readonly nowSlot: number }): ReactNode {
  const { text } = useText();
  const act = useAct();
  const [form, setForm] = useState<PartForm>(() => initial(lease, nowSlot));
  const [sent, setSent] = useState(false);
  const { part, wrong } = partOf(form);
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        setSent(true);
        if (part !== null) act.run(amendLease(lease.lease, part));
      }}
    >
      <p className="muted wide">{text.leases.amendWhy}</p>
      <PartFields form={form} change={(part) => setForm({ ...form, ...part })} wrong={sent ? wrong : []} firstDayLabel={text.leases.amendFrom} />
      <div className="actions wide">
        <Button type="primary" htmlType="submit" loading={act.state === "wallet" || act.state === "sent"}>
          {text.leases.submitAmend}
        </Button>
        <span className="muted">{text.act.costs}</span>
      </div>
      <div className="wide">
        <Outcome act={act} />
      </div>
    </form>
  );
}

/** The lease as it is, from the next day that it runs. */
function initial(lease: Lease, nowSlot: number): PartForm {
  const from = dayAfter(absoluteSlot(Math.max(nowSlot, lease.firstSlot)).slice(0, 10), 1);
  const left = (lease.endSlot - (firstSlotOf(from) ?? lease.endSlot)) / SLOTS_A_DAY;
  return { powerKw: typed(lease.powerW, 3), energyKwh: typed(lease.energyWh, 3), firstDay: from, days: `${Math.max(1, Math.floor(left))}` };
}
