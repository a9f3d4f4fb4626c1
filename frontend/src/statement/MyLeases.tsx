/** What the member rents and lets. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { leasesQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { LeaseTable } from "./LeaseTable.tsx";

export function MyLeases({ member }: { readonly member: number }): ReactNode {
  const { text } = useText();
  const leases = useQuery(leasesQuery);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.statement.leases}</h2>
        <Link to="/statement/leases">{text.leases.manage}</Link>
      </div>
      <Answered of={leases} height={100}>
        {(data) => {
          const mine = data.filter((lease) => lease.owner === member || lease.lessee === member);
          return mine.length === 0 ? <Empty>{text.statement.noLeases}</Empty> : <LeaseTable leases={mine} member={member} />;
        }}
      </Answered>
    </section>
  );
}
