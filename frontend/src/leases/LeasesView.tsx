/** Leases and offers: what can be rented, what I let and rent, and every action on them, from the page. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Lease, leasesQuery, type Offer, offersQuery, serviceQuery, stationsQuery, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { MoneyPlaces } from "../statement/MoneyPlaces.tsx";
import { WhoCard } from "../statement/WhoCard.tsx";
import { useText } from "../text/TextProvider.tsx";
import { slotAt } from "../units/entry.ts";
import { dayOf } from "../units/time.ts";
import { SignInCard } from "../wallet/SignInCard.tsx";
import { OfferCard } from "./OfferCard.tsx";
import { OfferNew } from "./OfferNew.tsx";
import { PartyLease } from "./PartyLease.tsx";
import "./leases.css";

export function LeasesView(): ReactNode {
  const { text } = useText();
  const who = useQuery(whoQuery);
  const service = useQuery(serviceQuery);
  const member = who.data?.member ?? null;
  return (
    <div className="view">
      <div className="view-head">
        <h1>{text.leases.title}</h1>
        {who.data && <WhoCard who={who.data} />}
        <p className="lead">{text.leases.lead}</p>
      </div>
      <MoneyPlaces />
      {who.data === null && <SignInCard why="leases" />}
      {who.data && member === null && <p className="notice">{text.leases.membersOnly}</p>}
      {service.data !== undefined && <Book member={member} nowMs={service.data.now} />}
    </div>
  );
}

function Book({ member, nowMs }: { readonly member: number | null; readonly nowMs: number }): ReactNode {
  const offers = useQuery(offersQuery);
  const leases = useQuery(leasesQuery);
  const nowSlot = slotAt(nowMs);
  return (
    <Answered of={offers} height={200}>
      {(offered) => (
        <Answered of={leases} height={200}>
          {(made) => (
            <>
              {member !== null && <Mine {...{ member, nowSlot, offered, made }} today={dayOf(nowMs)} />}
              <Market {...{ member, nowSlot, offered, made }} />
            </>
          )}
        </Answered>
      )}
    </Answered>
  );
}

interface Deals {
  readonly nowSlot: number;
  readonly offered: readonly Offer[];
  readonly made: readonly Lease[];
}

function Mine({ member, nowSlot, offered, made, today }: Deals & { readonly member: number; readonly today: string }): ReactNode {
  const { text } = useText();
  const { leases: words } = text;
  const stations = useQuery(stationsQuery);
  const own = (stations.data ?? []).filter(({ owner }) => owner === member);
  const mine = made.filter((lease) => lease.owner === member || lease.lessee === member).toReversed();
  const myOffers = offered.filter((offer) => own.some(({ station }) => station === offer.station)).toReversed();
  return (
    <>
      <h2>{words.mine}</h2>
      <div className="deals">
        {mine.map((lease) => (
          <PartyLease key={lease.lease} lease={lease} offer={offered.find(({ offer }) => offer === lease.offer)} {...{ member, nowSlot }} />
        ))}
      </div>
      {mine.length === 0 && <Empty>{text.statement.noLeases}</Empty>}
      {stations.data !== undefined && <OfferNew stations={own} today={today} />}
      {own.length > 0 && <h2>{words.myOffers}</h2>}
      <div className="deals">
        {myOffers.map((offer) => (
          <OfferCard key={offer.offer} offer={offer} leases={made} nowSlot={nowSlot} may="withdraw" />
        ))}
      </div>
      {own.length > 0 && myOffers.length === 0 && <Empty>{words.noMyOffers}</Empty>}
    </>
  );
}

function Market({ member, nowSlot, offered, made }: Deals & { readonly member: number | null }): ReactNode {
  const { leases: words } = useText().text;
  const stations = useQuery(stationsQuery);
  const ownerOf = (station: number): number | undefined => (stations.data ?? []).find((one) => one.station === station)?.owner;
  const open = offered.filter(
    (offer) => !offer.withdrawn && offer.firstSlot + offer.termSlots > nowSlot && (member === null || ownerOf(offer.station) !== member),
  );
  return (
    <>
      <h2>{words.offers}</h2>
      <div className="deals">
        {open.map((offer) => (
          <OfferCard key={offer.offer} offer={offer} leases={made} nowSlot={nowSlot} may={member === null ? "look" : "take"} />
        ))}
      </div>
      {open.length === 0 && <Empty>{words.noOffers}</Empty>}
    </>
  );
}
