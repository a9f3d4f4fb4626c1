/** One offer: what, when, at which price, what is left of it; taken, or by its owner withdrawn, from here. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Lease, Offer } from "../api/queries.ts";
import { withdrawOffer } from "../chain/call.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { energy, power } from "../units/quantity.ts";
import { freeOf, type Room } from "./room.ts";
import { TakeForm } from "./TakeForm.tsx";
import { Fact, TermsFacts, termText } from "./TermsFacts.tsx";

export interface OfferCardProps {
  readonly offer: Offer;
  readonly leases: readonly Lease[];
  readonly nowSlot: number;
  readonly may: "take" | "withdraw" | "look";
}

export function OfferCard({ offer, leases, nowSlot, may }: OfferCardProps): ReactNode {
  const { leases: words } = useText().text;
  const names = useNames();
  const end = offer.firstSlot + offer.termSlots;
  const free = freeOf(offer, leases, Math.max(nowSlot + 1, offer.firstSlot));
  return (
    <article className="card deal" data-offer={offer.offer}>
      <div className="card-head">
        <h2>{names.station(offer.station)}</h2>
        <span className="note">
          {words.offer(offer.offer)} <State offer={offer} free={free} over={end <= nowSlot} />
        </span>
      </div>
      <dl className="facts">
        <Fact name={words.free} value={`${power(free.powerW)} · ${energy(free.energyWh)}`} />
        <Fact name={`${words.power} · ${words.energy}`} value={`${power(offer.powerW)} · ${energy(offer.energyWh)}`} />
        <Fact name={words.term} value={termText(words, offer.firstSlot, end)} />
      </dl>
      <TermsFacts offer={offer} />
      {may === "take" && <Taking offer={offer} free={free} nowSlot={nowSlot} />}
      {may === "withdraw" && <Withdrawing offer={offer} />}
    </article>
  );
}

function State({ offer, free, over }: { readonly offer: Offer; readonly free: Room; readonly over: boolean }): ReactNode {
  const { leases: words } = useText().text;
  const said = over ? words.over : offer.withdrawn ? words.withdrawn : free.powerW <= 0 || free.energyWh <= 0 ? words.full : null;
  return said === null ? null : <span className="chip plain">{said}</span>;
}

function Taking({ offer, free, nowSlot }: { readonly offer: Offer; readonly free: Room; readonly nowSlot: number }): ReactNode {
  const { text } = useText();
  const [open, setOpen] = useState(false);
  return (
    <>
      <div className="actions">
        <Button type={open ? "default" : "primary"} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.act.close : text.leases.take}
        </Button>
      </div>
      {open && <TakeForm offer={offer} free={free} nowSlot={nowSlot} />}
    </>
  );
}

function Withdrawing({ offer }: { readonly offer: Offer }): ReactNode {
  const { leases: words } = useText().text;
  const act = useAct();
  const busy = act.state === "wallet" || act.state === "sent";
  return (
    <>
      {!offer.withdrawn && (
        <div className="actions">
          <Button loading={busy} onClick={() => act.run(withdrawOffer(offer.offer))}>
            {words.withdraw}
          </Button>
          <span className="muted">{words.withdrawWhy}</span>
        </div>
      )}
      <Outcome act={act} />
    </>
  );
}
