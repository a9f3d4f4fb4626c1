/** The stations, one line each: which way power flows, how full the battery is, whether the values are fresh. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import type { LiveStation, Station, StationProfile } from "../api/queries.ts";
import { StaleMark } from "../states/StaleMark.tsx";
import type { Catalogue } from "../text/zh.ts";
import { named, useText } from "../text/TextProvider.tsx";
import { power, share } from "../units/quantity.ts";
import { direction } from "./totals.ts";
import "./today.css";

export function StationList({
  stations,
  profiles,
  live,
  nowMs,
}: {
  readonly stations: readonly Station[];
  readonly profiles: readonly StationProfile[];
  readonly live: readonly LiveStation[];
  readonly nowMs: number | undefined;
}): ReactNode {
  return (
    <ul className="station-list">
      {stations.map((station) => (
        <StationRow
          key={station.station}
          station={station}
          profile={profiles.find((profile) => profile.station === station.station)}
          live={live.find((one) => one.station === station.station)}
          nowMs={nowMs}
        />
      ))}
    </ul>
  );
}

function StationRow({
  station,
  profile,
  live,
  nowMs,
}: {
  readonly station: Station;
  readonly profile: StationProfile | undefined;
  readonly live: LiveStation | undefined;
  readonly nowMs: number | undefined;
}): ReactNode {
  const { text, language } = useText();
  const name = named(language, profile) || `${text.station.title} ${station.station}`;
  return (
    <li>
      <Link to={`/stations/${station.station}`} className="station-row">
        <b className="no">{station.station}</b>
        <span className="who">
          <strong>{name}</strong>
          <small>
            {text.station.types[station.stationType] ?? station.stationType}
            {live !== undefined && live.alarms.length > 0 && <span className="chip bad">{live.alarms[0]}</span>}
            {live !== undefined && <StaleMark tMs={live.t} nowMs={nowMs} />}
          </small>
        </span>
        <span className="flow">
          <span className="num">{power(live?.powerW)}</span>
          <small>{live === undefined ? "" : flowText(text, live)}</small>
        </span>
        <span className="soc">
          <span className="num">{share(live?.socBp, 0)}</span>
          <span className="bar">
            <i style={{ width: `${(live?.socBp ?? 0) / 100}%` }} />
          </span>
        </span>
      </Link>
    </li>
  );
}

function flowText(text: Catalogue, live: LiveStation): string {
  const words = { out: text.today.discharging, in: text.today.charging, idle: text.today.idle, unknown: "" };
  return words[direction(live.batteryPowerW)];
}
