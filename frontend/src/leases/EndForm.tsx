/** Ending a lease early: together at no price, or alone with the notice and at the price that the offer named. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Field } from "../act/Field.tsx";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Lease, Offer } from "../api/queries.ts";
import { endAlone, endTogether } from "../chain/call.ts";
import { useText } from "../text/TextProvider.tsx";
import { firstSlotOf } from "../units/entry.ts";
import { yuan } from "../units/money.ts";
import { absoluteSlot, dayAfter } from "../units/time.ts";
import { endPriceCents } from "./window.ts";

interface EndFormProps {
  readonly lease: Lease;
  readonly offer: Offer | undefined;
  readonly nowSlot: number;
}

export function EndForm({ lease, offer, nowSlot }: EndFormProps): ReactNode {
  const { text } = useText();
  const act = useAct();
  const notice = offer?.endNoticeSlots ?? 0;
  const soonest = Math.max(nowSlot + notice, lease.firstSlot);
  const [day, setDay] = useState(() => dayAfter(absoluteSlot(soonest).slice(0, 10), 1));
  const slot = firstSlotOf(day);
  const busy = act.state === "wallet" || act.state === "sent";
  return (
    <div className="form">
      <Field label={text.leases.endDay} type="date" value={day} set={setDay} wrong={slot === null} />
      <div className="actions wide">
        <Button type="primary" disabled={slot === null} loading={busy} onClick={() => slot !== null && act.run(endTogether(lease.lease, slot))}>
          {text.leases.submitEnd}
        </Button>
        <span className="muted">{text.leases.endTogetherWhy}</span>
      </div>
      {offer !== undefined && notice > 0 && slot !== null && (
        <div className="actions wide">
          <Button danger loading={busy} onClick={() => act.run(endAlone(lease.lease, slot))}>
            {text.leases.submitEndAlone}
          </Button>
          <span className="muted">{text.leases.endAloneWhy(absoluteSlot(nowSlot + notice), price(lease, offer, slot))}</span>
        </div>
      )}
      <div className="wide">
        <Outcome act={act} />
      </div>
    </div>
  );
}

/** What ending alone at a slot would cost, yuan. */
function price(lease: Lease, offer: Offer, slot: number): string {
  const window = { ...lease, endSlot: lease.firstSlot + lease.termSlots };
  const at = Math.min(Math.max(slot, lease.firstSlot), window.endSlot);
  return yuan(endPriceCents(BigInt(lease.rentCents), offer.endFeeBp, window, at));
}
