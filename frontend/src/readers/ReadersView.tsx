/** Who may read my station's evidence: see, add, give, take back, remove; erase; and the trail of all that. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { readersQuery, stationsQuery, type Who, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { MoneyPlaces } from "../statement/MoneyPlaces.tsx";
import { WhoCard } from "../statement/WhoCard.tsx";
import { useText } from "../text/TextProvider.tsx";
import { SignInCard } from "../wallet/SignInCard.tsx";
import { AddReader } from "./AddReader.tsx";
import { EraseCard } from "./EraseCard.tsx";
import { ReaderCard } from "./ReaderCard.tsx";
import { TrailCard } from "./TrailCard.tsx";
import "./readers.css";

export function ReadersView(): ReactNode {
  const { readers: words } = useText().text;
  const who = useQuery(whoQuery);
  return (
    <div className="view">
      <div className="view-head">
        <h1>{words.title}</h1>
        {who.data && <WhoCard who={who.data} />}
        <p className="lead">{words.lead}</p>
      </div>
      <MoneyPlaces />
      {who.data === null && <SignInCard why="readers" />}
      {who.data && (who.data.member === null && !who.data.regulator ? <p className="notice">{words.membersOnly}</p> : <Reading who={who.data} />)}
    </div>
  );
}

function Reading({ who }: { readonly who: Who }): ReactNode {
  const { readers: words } = useText().text;
  const readers = useQuery(readersQuery);
  const stations = useQuery(stationsQuery);
  const own = (stations.data ?? []).filter(({ owner }) => owner === who.member).map(({ station }) => station);
  return (
    <>
      <h2>{words.list}</h2>
      <Answered of={readers} height={180}>
        {(data) => (
          <>
            {data.length === 0 && <Empty>{words.none}</Empty>}
            <div className="deals">
              {data.map((reader) => (
                <ReaderCard key={reader.fingerprint} reader={reader} own={own} who={who} />
              ))}
            </div>
          </>
        )}
      </Answered>
      {who.member !== null && <AddReader member={who.member} />}
      <TrailCard />
      {own.length > 0 && <EraseCard own={own} />}
    </>
  );
}
