/** The figures of the day: power, state of charge, energy against plan, certified gap, anchoring. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { allianceCurveQuery, epochsQuery, liveQuery, schedulesQuery, serviceQuery, stationsQuery } from "../api/queries.ts";
import { StaleMark } from "../states/StaleMark.tsx";
import { useText } from "../text/TextProvider.tsx";
import { energy, power, ppm, share } from "../units/quantity.ts";
import { clock, moment } from "../units/time.ts";
import { Tile } from "./Tile.tsx";
import { anchoring, energyTotals, stored } from "./totals.ts";

export function TodayTiles({ day }: { readonly day: string }): ReactNode {
  return (
    <section className="tiles">
      <PowerTile />
      <SocTile />
      <EnergyTile day={day} />
      <GapTile day={day} />
      <AnchorTile />
    </section>
  );
}

function PowerTile(): ReactNode {
  const { text } = useText();
  const live = useQuery(liveQuery);
  const service = useQuery(serviceQuery);
  const total = live.data?.stations.reduce((sum, one) => sum + (one.powerW ?? 0), 0);
  const oldest = Math.min(...(live.data?.stations.map((one) => one.t) ?? [Infinity]));
  return (
    <Tile
      name={text.today.power}
      value={power(total)}
      hint={text.today.powerHint}
      mark={<StaleMark tMs={oldest} nowMs={service.data?.now} />}
    />
  );
}

function SocTile(): ReactNode {
  const { text } = useText();
  const live = useQuery(liveQuery);
  const stations = useQuery(stationsQuery);
  const sum = stored(stations.data ?? [], live.data?.stations ?? []);
  return (
    <Tile
      name={text.today.soc}
      value={share(sum.socBp)}
      hint={text.today.socHint(energy(sum.storedWh), energy(sum.capacityWh))}
    />
  );
}

function EnergyTile({ day }: { readonly day: string }): ReactNode {
  const { text } = useText();
  const curve = useQuery(allianceCurveQuery(day));
  const totals = curve.data === undefined ? null : energyTotals(curve.data.slots);
  return (
    <>
      <Tile name={text.today.plan} value={energy(totals?.plannedWh)} hint={text.today.planHint} />
      <Tile
        name={text.today.actual}
        value={energy(totals?.actualWh)}
        hint={(totals?.deviationWh ?? null) === null ? text.today.planHint : text.today.actualHint(energy(totals?.deviationWh))}
      />
    </>
  );
}

function GapTile({ day }: { readonly day: string }): ReactNode {
  const { text } = useText();
  const schedules = useQuery(schedulesQuery(day));
  const dayAhead = schedules.data?.findLast((schedule) => schedule.kind === "day_ahead");
  const anchored = dayAhead?.anchored;
  const anchoredText =
    anchored === null || anchored === undefined
      ? text.today.scheduleNotAnchored
      : text.today.scheduleAnchored(moment(anchored.timeS * 1000));
  return (
    <Tile
      name={text.today.gap}
      value={ppm(dayAhead?.certifiedGapPpm, 4)}
      hint={dayAhead === undefined ? text.today.gapNone : <span title={text.today.gapHint}>{anchoredText}</span>}
    />
  );
}

function AnchorTile(): ReactNode {
  const { text } = useText();
  const epochs = useQuery(epochsQuery);
  const service = useQuery(serviceQuery);
  const { final, pending } = anchoring(epochs.data ?? []);
  const lengthMs = (service.data?.epochSeconds ?? 900) * 1000;
  const later = pending === 0 ? text.today.anchorUpToDate : text.today.anchorPending(pending);
  return (
    <Tile
      name={text.today.anchor}
      value={final === undefined ? "—" : clock((final.epoch + 1) * lengthMs)}
      hint={final === undefined ? text.today.anchorNone : `${text.today.anchorFinal} · ${later}`}
    />
  );
}
