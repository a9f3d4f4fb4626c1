/** A station's live values: for screens, signed by its device, settling nothing. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { liveQuery, type LiveStation, serviceQuery, type Station } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { StaleMark } from "../states/StaleMark.tsx";
import { useText } from "../text/TextProvider.tsx";
import { Tile } from "../today/Tile.tsx";
import { power, share } from "../units/quantity.ts";
import { moment } from "../units/time.ts";

export function LiveCard({ station }: { readonly station: Station }): ReactNode {
  const live = useQuery(liveQuery);
  return (
    <Answered of={live} height={96}>
      {(data) => {
        const mine = data.stations.find((one) => one.station === station.station);
        return mine === undefined ? <Empty /> : <LiveTiles live={mine} />;
      }}
    </Answered>
  );
}

function LiveTiles({ live }: { readonly live: LiveStation }): ReactNode {
  const { text } = useText();
  const service = useQuery(serviceQuery);
  return (
    <section className="tiles" aria-label={text.station.live}>
      <Tile
        name={text.station.net}
        value={power(live.powerW, 1)}
        hint={text.updated(moment(live.t))}
        mark={<StaleMark tMs={live.t} nowMs={service.data?.now} />}
      />
      <Tile name={text.station.battery} value={power(live.batteryPowerW, 1)} hint={`${text.station.setPoint} ${power(live.setPowerW, 1)}`} />
      <Tile
        name={text.station.soc}
        value={share(live.socBp)}
        hint={
          <span className="bar">
            <i style={{ width: `${(live.socBp ?? 0) / 100}%` }} />
          </span>
        }
      />
      <Tile
        name={text.station.status}
        value={statusText(live.status, text.station.statuses)}
        hint={<Alarms live={live} />}
      />
    </section>
  );
}

/** The words for a box's status: `following`, or the limits that cut the order, joined by commas. */
function statusText(status: string, words: Readonly<Record<string, string>>): string {
  return status
    .split(",")
    .map((part) => words[part] ?? part)
    .join(" · ");
}

function Alarms({ live }: { readonly live: LiveStation }): ReactNode {
  const { text } = useText();
  if (live.alarms.length === 0) return text.station.noAlarms;
  return (
    <span className="chips">
      {live.alarms.map((alarm) => (
        <span key={alarm} className="chip bad">
          {alarm}
        </span>
      ))}
    </span>
  );
}
