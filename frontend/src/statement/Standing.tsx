/** Which day, how firmly its statement stands, and whether its rule pack is verified. */

import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import type { ReactNode } from "react";
import { type Settlement, tariffQuery } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import { useUnverified } from "../today/UnverifiedChip.tsx";
import { yuan } from "../units/money.ts";
import { moment } from "../units/time.ts";

export function Standing({
  settlement,
  all,
  choose,
  member,
}: {
  readonly settlement: Settlement;
  readonly all: readonly Settlement[];
  readonly choose: (day: string) => void;
  readonly member: number | null;
}): ReactNode {
  const { text } = useText();
  const { statement: words } = text;
  const net = settlement.parties.find((party) => party.account === `member:${member}`)?.netCents;
  return (
    <section className="card standing">
      <label>
        <h3>{words.days}</h3>
        <Select
          value={settlement.day}
          onChange={choose}
          aria-label={words.days}
          options={all.map(({ day }) => ({ value: day, label: day }))}
          style={{ width: 150 }}
        />
      </label>
      {net !== undefined && <Net cents={net} />}
      <div>
        <StandingChip standing={settlement.standing} /> <span className="muted">{words.version(settlement.version)}</span>
        <p className="muted">{words.standingWhy[settlement.standing] ?? ""}</p>
        <p className="muted">
          <Times settlement={settlement} />
        </p>
      </div>
      <Unverified day={settlement.day} />
    </section>
  );
}

function Times({ settlement }: { readonly settlement: Settlement }): ReactNode {
  const { text } = useText();
  const postedAtS = settlement.versions.find(({ version }) => version === settlement.version)?.postedAtS ?? null;
  const times = [
    postedAtS === null ? text.statement.notPosted : text.statement.postedAt(moment(postedAtS * 1000)),
    ...(settlement.finalAtS === null ? [] : [text.statement.finalAt(moment(settlement.finalAtS * 1000))]),
  ];
  return times.join(" · ");
}

function Net({ cents }: { readonly cents: string }): ReactNode {
  const { text } = useText();
  return (
    <div>
      <h3>
        {text.statement.net} · {BigInt(cents) < 0n ? text.statement.pays : text.statement.receives}
      </h3>
      <p className="net">
        {yuan(cents, { signed: true })} <small>{text.yuan}</small>
      </p>
    </div>
  );
}

function StandingChip({ standing }: { readonly standing: string }): ReactNode {
  const { text } = useText();
  const look = standing === "final" ? "" : standing === "provisional" ? "warn" : "plain";
  return <span className={`chip ${look}`}>{text.statement.standing[standing] ?? standing}</span>;
}

function Unverified({ day }: { readonly day: string }): ReactNode {
  const { text } = useText();
  const tariff = useQuery(tariffQuery(day));
  const items = useUnverified(tariff.data);
  if (tariff.data === undefined || tariff.data.pack.verified) return null;
  return (
    <div className="notice">
      <strong>{text.statement.unverified}</strong>
      <span>{text.statement.unverifiedWhy(tariff.data.pack.docNo || tariff.data.pack.name, items)}</span>
    </div>
  );
}
