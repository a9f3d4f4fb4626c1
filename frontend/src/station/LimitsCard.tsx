/** What a station may do at most: its registered rating and what planning keeps to. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { profilesQuery, type Station, type StationProfile } from "../api/queries.ts";
import { named, useText } from "../text/TextProvider.tsx";
import { pricePerKwh } from "../units/money.ts";
import { energy, ppm, power, share } from "../units/quantity.ts";

export function LimitsCard({
  station,
  profile,
}: {
  readonly station: Station;
  readonly profile: StationProfile | undefined;
}): ReactNode {
  const { text, language } = useText();
  const profiles = useQuery(profilesQuery);
  const owner = profiles.data?.members.find((member) => member.member === station.owner);
  const { station: words } = text;
  const rows: readonly (readonly [string, string])[] = [
    [words.owner, named(language, owner) || text.statement.memberNumber(station.owner)],
    [words.chargePower, power(station.chargePowerW)],
    [words.dischargePower, power(station.dischargePowerW)],
    [words.capacity, energy(station.capacityWh)],
    [words.pccImport, power(station.pccImportW)],
    [words.pccExport, power(station.pccExportW)],
    ...(profile === undefined ? [] : profileRows(profile, text.station, text.series.pricePerKwh)),
  ];
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.limits}</h2>
        <span className="chip plain">{words.chain[station.chainStatus]}</span>
      </div>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name} className="contents">
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function profileRows(
  profile: StationProfile,
  words: { readonly socRange: string; readonly efficiency: string; readonly wear: string },
  priceUnit: string,
): readonly (readonly [string, string])[] {
  return [
    [words.socRange, `${share(profile.socMinBp, 0)} – ${share(profile.socMaxBp, 0)}`],
    [words.efficiency, `${ppm(profile.etaCPpm, 1)} / ${ppm(profile.etaDPpm, 1)}`],
    [words.wear, `${pricePerKwh(profile.wearPrice)} ${priceUnit}`],
  ];
}
