/** One station: live values, plan against actual, limits, leases, devices, anchoring. */

import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import type { ReactNode } from "react";
import { useNavigate, useParams } from "react-router";
import { profilesQuery, type Station, type StationProfile, stationsQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { DayPicker } from "../states/DayPicker.tsx";
import { Opening } from "../states/Opening.tsx";
import { useShownDay } from "../states/useShownDay.ts";
import { named, useText } from "../text/TextProvider.tsx";
import { AnchoringCard } from "./AnchoringCard.tsx";
import { CurveCard } from "./CurveCard.tsx";
import { DevicesCard } from "./DevicesCard.tsx";
import { DirectivesCard } from "./DirectivesCard.tsx";
import { LimitsCard } from "./LimitsCard.tsx";
import { LiveCard } from "./LiveCard.tsx";
import { StationLeasesCard } from "./StationLeasesCard.tsx";
import "./station.css";

export function StationView(): ReactNode {
  const { text } = useText();
  const stations = useQuery(stationsQuery);
  const wanted = useParams()["station"];
  return (
    <div className="view">
      <Answered of={stations} height={420}>
        {(data) => {
          const station = wanted === undefined ? data[0] : data.find((one) => `${one.station}` === wanted);
          return station === undefined ? <Empty>{text.notFound}</Empty> : <OneStation station={station} all={data} />;
        }}
      </Answered>
    </div>
  );
}

function OneStation({ station, all }: { readonly station: Station; readonly all: readonly Station[] }): ReactNode {
  const { day, today, choose } = useShownDay();
  const profiles = useQuery(profilesQuery);
  const profile = profiles.data?.stations.find((one) => one.station === station.station);
  if (day === undefined) return <Opening />;
  return (
    <>
      <Heading station={station} all={all} profiles={profiles.data?.stations ?? []}>
        <DayPicker day={day} latest={today} choose={choose} />
      </Heading>
      <LiveCard station={station} />
      <DirectivesCard station={station} />
      <CurveCard station={station.station} day={day} />
      <div className="columns">
        <LimitsCard station={station} profile={profile} />
        <StationLeasesCard station={station} />
      </div>
      <DevicesCard station={station.station} />
      <AnchoringCard station={station} />
    </>
  );
}

function Heading({
  station,
  all,
  profiles,
  children,
}: {
  readonly station: Station;
  readonly all: readonly Station[];
  readonly profiles: readonly StationProfile[];
  readonly children: ReactNode;
}): ReactNode {
  const { text, language } = useText();
  const navigate = useNavigate();
  const nameOf = (number: number): string =>
    named(language, profiles.find((profile) => profile.station === number)) || `${text.station.title} ${number}`;
  return (
    <div className="view-head">
      <div className="station-name">
        <h1>{nameOf(station.station)}</h1>
        <span className="chip">{text.station.types[station.stationType] ?? station.stationType}</span>
      </div>
      <div className="station-tools">
        <Select
          aria-label={text.station.choose}
          value={station.station}
          onChange={(number: number) => void navigate(`/stations/${number}`)}
          options={all.map(({ station: number }) => ({ value: number, label: `${number} ${nameOf(number)}` }))}
          className="station-select"
        />
        {children}
      </div>
    </div>
  );
}
