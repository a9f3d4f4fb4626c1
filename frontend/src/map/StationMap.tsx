/** The map of the stations, labelled as a schematic; a click opens the station. */

import { type ReactNode, useMemo } from "react";
import { useNavigate } from "react-router";
import type { LiveStation, StationProfile } from "../api/queries.ts";
import { Figure } from "../charts/Figure.tsx";
import { named, useText } from "../text/TextProvider.tsx";
import { direction } from "../today/totals.ts";
import { power } from "../units/quantity.ts";
import { useNarrow } from "../states/useNarrow.ts";
import { type Marked, mapOption } from "./mapOption.ts";
import { regionName } from "./regions.ts";

export function StationMap({
  profiles,
  live,
}: {
  readonly profiles: readonly StationProfile[];
  readonly live: readonly LiveStation[];
}): ReactNode {
  const { text, language } = useText();
  const navigate = useNavigate();
  const narrow = useNarrow();
  const option = useMemo(() => {
    const marks = profiles.map((profile): Marked => {
      const now = live.find((one) => one.station === profile.station);
      return {
        station: profile.station,
        name: named(language, profile),
        longitude: profile.longitudeE5 / 100_000,
        latitude: profile.latitudeE5 / 100_000,
        direction: direction(now?.powerW),
        label: power(now?.powerW),
      };
    });
    return mapOption(marks, { regionName: (name) => regionName(name, language), narrow });
  }, [profiles, live, language, narrow]);
  return (
    <Figure
      option={option}
      label={text.today.mapLabel}
      height={narrow ? 330 : 430}
      onSelect={(id) => void navigate(`/stations/${id}`)}
    />
  );
}
