/** Which day a view shows: the one in the address, else today when it is scheduled and under way, else the newest settled one. */

import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { schedulesQuery, serviceQuery, settlementsQuery } from "../api/queries.ts";
import { dayOf, intoDay } from "../units/time.ts";

/** A day younger than this has little to show: the day before it, settled, comes first. */
const YOUNG_MS = 2 * 3_600_000;

export interface ShownDay {
  /** Undefined until the service has said what time it is. */
  readonly day: string | undefined;
  readonly today: string;
  readonly choose: (day: string) => void;
}

export function useShownDay(): ShownDay {
  const [params, setParams] = useSearchParams();
  const service = useQuery(serviceQuery);
  const today = dayOf(service.data?.now ?? 0);
  const schedules = useQuery({ ...schedulesQuery(today), enabled: service.data !== undefined });
  const settlements = useQuery(settlementsQuery);
  const ready = !schedules.isPending && !settlements.isPending;
  const settled = (settlements.data ?? []).reduce((latest, { day }) => (day > latest && day <= today ? day : latest), "");
  const scheduled = (schedules.data ?? []).length > 0;
  const young = intoDay(service.data?.now ?? 0) < YOUNG_MS && settled !== "";
  const newest = scheduled && !young ? today : settled;
  const chosen = params.get("day");
  return {
    day: chosen ?? (ready ? newest || today : undefined),
    today,
    choose: (day) => setParams((before) => withDay(before, day), { replace: true }),
  };
}

function withDay(before: URLSearchParams, day: string): URLSearchParams {
  const after = new URLSearchParams(before);
  after.set("day", day);
  return after;
}
