/** Everyone's net of the day, public as on the chain: stations' owners, platform, grid and pool apart, summing to zero. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { profilesQuery, type Settlement } from "../api/queries.ts";
import { named, useText } from "../text/TextProvider.tsx";
import { sumCents, yuan } from "../units/money.ts";

type Party = Settlement["parties"][number];

export function PartiesCard({ settlement, member }: { readonly settlement: Settlement; readonly member: number | null }): ReactNode {
  const { text, language } = useText();
  const profiles = useQuery(profilesQuery);
  const { statement: words } = text;
  const nameOf = (party: Party): string => {
    const number = Number(party.account.split(":")[1]);
    const profile = profiles.data?.members.find((one) => one.member === number);
    return words.partyNames[party.account] ?? (named(language, profile) || words.memberNumber(number));
  };
  const sum = sumCents(settlement.parties.map((party) => party.netCents));
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.parties}</h2>
        <span className={`chip ${sum === 0n ? "" : "bad"}`}>
          {words.sumZero} · {yuan(sum)}
        </span>
      </div>
      <Table<Party>
        size="small"
        pagination={false}
        rowKey="account"
        dataSource={[...settlement.parties]}
        rowClassName={(party) => (party.account === `member:${member}` ? "own-row" : "")}
        columns={[
          { title: words.party, render: (_, party) => nameOf(party) },
          { title: words.amount, align: "right", render: (_, party) => <span className="num">{yuan(party.netCents, { signed: true })}</span> },
        ]}
      />
      <p className="muted mono">
        {words.root} {settlement.root}
      </p>
    </section>
  );
}
