/** The alliance today: figures, map, stations, plan against actual. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { allianceCurveQuery, liveQuery, profilesQuery, serviceQuery, stationsQuery, tariffQuery } from "../api/queries.ts";
import { DayCurve } from "../charts/DayCurve.tsx";
import { StationMap } from "../map/StationMap.tsx";
import { Answered } from "../states/Answered.tsx";
import { DayPicker } from "../states/DayPicker.tsx";
import { Opening } from "../states/Opening.tsx";
import { useShownDay } from "../states/useShownDay.ts";
import { useText } from "../text/TextProvider.tsx";
import { PlanNotice } from "./PlanNotice.tsx";
import { StationList } from "./StationList.tsx";
import { TodayTiles } from "./TodayTiles.tsx";
import { UnverifiedChip } from "./UnverifiedChip.tsx";
import "./today.css";

export function TodayView(): ReactNode {
  const { text } = useText();
  const { day, today, choose } = useShownDay();
  const service = useQuery(serviceQuery);
  if (day === undefined) return service.isError ? <Answered of={service} height={96}>{() => null}</Answered> : <Opening />;
  return (
    <div className="view">
      <div className="view-head">
        <h1>{text.today.title}</h1>
        <DayPicker day={day} latest={today} choose={choose} />
      </div>
      <PlanNotice day={day} />
      <TodayTiles day={day} />
      <div className="today-split">
        <MapCard />
        <StationsCard />
      </div>
      <CurveCard day={day} />
    </div>
  );
}

function MapCard(): ReactNode {
  const { text } = useText();
  const profiles = useQuery(profilesQuery);
  const live = useQuery(liveQuery);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.today.map}</h2>
        <span className="note">{text.today.mapNote}</span>
      </div>
      <Answered of={profiles} height={430}>
        {(data) => <StationMap profiles={data.stations} live={live.data?.stations ?? []} />}
      </Answered>
    </section>
  );
}

function StationsCard(): ReactNode {
  const { text } = useText();
  const stations = useQuery(stationsQuery);
  const profiles = useQuery(profilesQuery);
  const live = useQuery(liveQuery);
  const service = useQuery(serviceQuery);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.today.stations}</h2>
        {live.isError && live.data !== undefined && <span className="chip warn">{text.offline}</span>}
      </div>
      <Answered of={stations} height={420}>
        {(data) => (
          <StationList
            stations={data}
            profiles={profiles.data?.stations ?? []}
            live={live.data?.stations ?? []}
            nowMs={service.data?.now}
          />
        )}
      </Answered>
    </section>
  );
}

function CurveCard({ day }: { readonly day: string }): ReactNode {
  const { text } = useText();
  const curve = useQuery(allianceCurveQuery(day));
  const tariff = useQuery(tariffQuery(day));
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.today.chart}</h2>
        <span className="note">
          {text.series.signNote} <UnverifiedChip tariff={tariff.data} />
        </span>
      </div>
      <Answered of={curve} height={330}>
        {(data) => (
          <DayCurve slots={data.slots} tariff={tariff.data?.slots ?? []} label={text.today.chartLabel} battery={false} />
        )}
      </Answered>
    </section>
  );
}
