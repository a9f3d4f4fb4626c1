/** What a party asked for; the other one agrees with one click. */

import { Button } from "antd";
import type { ReactNode } from "react";
import type { Act } from "../act/useAct.ts";
import type { Lease } from "../api/queries.ts";
import { amendLease, type Call, endTogether } from "../chain/call.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { energy, power } from "../units/quantity.ts";
import { absoluteSlot, SLOTS_A_DAY } from "../units/time.ts";

type Ask = Lease["asks"][number];

interface AskProps {
  readonly lease: Lease;
  readonly ask: Ask;
  readonly member: number;
  /** The lease's own: what came of it stays when the wish is gone. */
  readonly act: Act;
}

export function AskNote({ lease, ask, member, act }: AskProps): ReactNode {
  const { leases: words } = useText().text;
  const names = useNames();
  const who = ask.member === member ? words.you : names.member(ask.member);
  const day = absoluteSlot(ask.fromSlot).slice(0, 10);
  const said =
    ask.powerW === null
      ? words.askedEnd(who, day)
      : words.askedAmend(who, day, power(ask.powerW), energy(ask.energyWh), `${(ask.termSlots ?? 0) / SLOTS_A_DAY}`);
  return (
    <div className="notice">
      <span>{said}</span>
      {ask.member !== member && (
        <Button size="small" loading={act.state === "wallet" || act.state === "sent"} onClick={() => act.run(agreement(lease.lease, ask))}>
          {words.agree}
        </Button>
      )}
    </div>
  );
}

/** The same call as the one that asked. */
function agreement(lease: number, ask: Ask): Call {
  const { powerW, energyWh, termSlots, fromSlot } = ask;
  if (powerW === null || energyWh === null || termSlots === null) return endTogether(lease, fromSlot);
  return amendLease(lease, { powerW: BigInt(powerW), energyWh: BigInt(energyWh), firstSlot: fromSlot, termSlots });
}
