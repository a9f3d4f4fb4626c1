/** A station's plan against actual over a day, with the tariff behind and the state of charge beside. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { stationCurveQuery, tariffQuery } from "../api/queries.ts";
import { DayCurve } from "../charts/DayCurve.tsx";
import { Answered } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { UnverifiedChip } from "../today/UnverifiedChip.tsx";

export function CurveCard({ station, day }: { readonly station: number; readonly day: string }): ReactNode {
  const { text } = useText();
  const curve = useQuery(stationCurveQuery(station, day));
  const tariff = useQuery(tariffQuery(day));
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.station.curve}</h2>
        <span className="note">
          {text.series.signNote} <UnverifiedChip tariff={tariff.data} />
        </span>
      </div>
      <Answered of={curve} height={330}>
        {(data) => <DayCurve slots={data.slots} tariff={tariff.data?.slots ?? []} label={text.station.curveLabel} battery />}
      </Answered>
    </section>
  );
}
