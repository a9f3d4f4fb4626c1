/** Leases in a table, from one member's side. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { type Lease, profilesQuery } from "../api/queries.ts";
import { named, useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { energy, power } from "../units/quantity.ts";
import { absoluteSlot } from "../units/time.ts";

export function LeaseTable({ leases, member }: { readonly leases: readonly Lease[]; readonly member: number }): ReactNode {
  const { text, language } = useText();
  const profiles = useQuery(profilesQuery);
  const nameOf = (number: number): string =>
    named(language, profiles.data?.members.find((one) => one.member === number)) || text.statement.memberNumber(number);
  const { statement: words } = text;
  return (
    <Table<Lease>
      size="small"
      pagination={false}
      rowKey="lease"
      dataSource={[...leases]}
      scroll={{ x: "max-content" }}
      columns={[
        { title: words.leaseNumber, render: (_, lease) => `${lease.lease} · ${lease.lessee === member ? words.asLessee : words.asOwner}` },
        { title: words.counterparty, render: (_, lease) => nameOf(lease.lessee === member ? lease.owner : lease.lessee) },
        { title: words.power, align: "right", render: (_, lease) => power(lease.powerW) },
        { title: words.energy, align: "right", render: (_, lease) => energy(lease.energyWh) },
        {
          title: words.term,
          render: (_, lease) => `${absoluteSlot(lease.firstSlot).slice(0, 10)} – ${absoluteSlot(lease.endSlot).slice(0, 10)}`,
        },
        { title: words.rent, align: "right", render: (_, lease) => `${yuan(lease.rentCents)} ${text.yuan}` },
        { title: text.station.onChain, render: (_, lease) => text.station.chain[lease.chainStatus] },
      ]}
    />
  );
}
