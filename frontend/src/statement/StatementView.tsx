/** My leases and statement: for the signed-in member, every cent with its why. */

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { settlementsQuery, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { SignInCard } from "../wallet/SignInCard.tsx";
import { CorrectionsCard } from "./CorrectionsCard.tsx";
import { MoneyPlaces } from "./MoneyPlaces.tsx";
import { MyLeases } from "./MyLeases.tsx";
import { PartiesCard } from "./PartiesCard.tsx";
import { Standing } from "./Standing.tsx";
import { StatementCard } from "./StatementCard.tsx";
import { WhoCard } from "./WhoCard.tsx";

export function StatementView(): ReactNode {
  const { text } = useText();
  const who = useQuery(whoQuery);
  return (
    <div className="view">
      <div className="view-head">
        <h1>{text.statement.title}</h1>
        {who.data && <WhoCard who={who.data} />}
      </div>
      <MoneyPlaces />
      <Answered of={who} height={180}>
        {(data) => (
          <>
            {data === null && <SignInCard />}
            {data !== null && data.member !== null && <MyLeases member={data.member} />}
            <Days member={data?.member ?? null} />
          </>
        )}
      </Answered>
    </div>
  );
}

function Days({ member }: { readonly member: number | null }): ReactNode {
  const { text } = useText();
  const settlements = useQuery(settlementsQuery);
  const [chosen, choose] = useState<string>();
  return (
    <Answered of={settlements} height={240}>
      {(data) => {
        const newest = data.toSorted((a, b) => b.day.localeCompare(a.day));
        const shown = newest.find((one) => one.day === chosen) ?? newest[0];
        if (shown === undefined) return <Empty>{text.statement.noDays}</Empty>;
        return (
          <>
            <Standing settlement={shown} all={newest} choose={choose} member={member} />
            {member === null ? <CorrectionsCard settlement={shown} lines={undefined} /> : <StatementCard settlement={shown} member={member} />}
            <PartiesCard settlement={shown} member={member} />
          </>
        );
      }}
    </Answered>
  );
}
