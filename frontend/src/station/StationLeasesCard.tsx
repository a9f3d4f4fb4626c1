/** What of a station is let to whom. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { leasesQuery, type Station } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { LeaseTable } from "../statement/LeaseTable.tsx";
import { useText } from "../text/TextProvider.tsx";

export function StationLeasesCard({ station }: { readonly station: Station }): ReactNode {
  const { text } = useText();
  const leases = useQuery(leasesQuery);
  return (
    <section className="card">
      <h2>{text.station.leases}</h2>
      <Answered of={leases} height={120}>
        {(data) => {
          const here = data.filter((lease) => lease.station === station.station);
          return here.length === 0 ? <Empty>{text.station.noLeases}</Empty> : <LeaseTable leases={here} member={station.owner} />;
        }}
      </Answered>
    </section>
  );
}
