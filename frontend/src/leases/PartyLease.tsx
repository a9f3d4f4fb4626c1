/** A lease of mine: what it is, what either side asked for, and the ways to change or end it. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Lease, Offer } from "../api/queries.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { energy, power } from "../units/quantity.ts";
import { absoluteSlot } from "../units/time.ts";
import { AmendForm } from "./AmendForm.tsx";
import { AskNote } from "./AskNote.tsx";
import { EndForm } from "./EndForm.tsx";
import { Fact, termText, windowText } from "./TermsFacts.tsx";

export interface PartyLeaseProps {
  readonly lease: Lease;
  readonly offer: Offer | undefined;
  readonly member: number;
  readonly nowSlot: number;
}

export function PartyLease({ lease, offer, member, nowSlot }: PartyLeaseProps): ReactNode {
  const { text } = useText();
  const { leases: words } = text;
  const names = useNames();
  const agreeing = useAct();
  const [open, setOpen] = useState<"amend" | "end">();
  const isOwner = lease.owner === member;
  const other = names.member(isOwner ? lease.lessee : lease.owner);
  const live = lease.endSlot > nowSlot;
  const asks = lease.asks.filter((ask) => ask.fromSlot > nowSlot && ask.fromSlot < lease.endSlot);
  return (
    <article className="card deal" data-lease={lease.lease}>
      <div className="card-head">
        <h2>{isOwner ? words.asOwner(other) : words.asLessee(other)}</h2>
        <span className="note">
          {words.lease(lease.lease)}
          {lease.version > 1 && ` · ${words.version(lease.version)}`} <Phase lease={lease} nowSlot={nowSlot} />
        </span>
      </div>
      <dl className="facts">
        <Fact name={words.station} value={names.station(lease.station)} />
        <Fact name={`${words.power} · ${words.energy}`} value={`${power(lease.powerW)} · ${energy(lease.energyWh)}`} />
        <Fact name={words.term} value={termText(words, lease.firstSlot, lease.endSlot)} />
        <Fact name={words.window} value={windowText(words, lease)} />
        <Fact name={words.rentTotal} value={`${yuan(lease.rentCents)} ${text.yuan}`} />
      </dl>
      <Endings lease={lease} />
      {live && asks.map((ask) => <AskNote key={ask.member} lease={lease} ask={ask} member={member} act={agreeing} />)}
      <Outcome act={agreeing} />
      {live && (
        <div className="actions">
          {(["amend", "end"] as const).map((what) => (
            <Button key={what} aria-expanded={open === what} onClick={() => setOpen(open === what ? undefined : what)}>
              {open === what ? text.act.close : words[what]}
            </Button>
          ))}
        </div>
      )}
      {open === "amend" && <AmendForm lease={lease} nowSlot={nowSlot} />}
      {open === "end" && <EndForm lease={lease} offer={offer} nowSlot={nowSlot} />}
    </article>
  );
}

function Phase({ lease, nowSlot }: { readonly lease: Lease; readonly nowSlot: number }): ReactNode {
  const { leases: words } = useText().text;
  if (lease.endSlot <= nowSlot) return <span className="chip plain">{words.ended}</span>;
  if (lease.firstSlot > nowSlot) return <span className="chip warn">{words.waiting(absoluteSlot(lease.firstSlot).slice(0, 10))}</span>;
  return <span className="chip">{words.running}</span>;
}

function Endings({ lease }: { readonly lease: Lease }): ReactNode {
  const { leases: words } = useText().text;
  const names = useNames();
  return (
    <>
      {lease.endedBy !== null && <p className="muted">{words.endedEarly(names.member(lease.endedBy), yuan(lease.endPriceCents))}</p>}
      {lease.following !== null && <p className="muted">{words.following(lease.following)}</p>}
    </>
  );
}
