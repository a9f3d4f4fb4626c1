/** A day without a plan is never bare: what the planner's last run said. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { planRunsQuery, schedulesQuery } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";

export function PlanNotice({ day }: { readonly day: string }): ReactNode {
  const { text } = useText();
  const schedules = useQuery(schedulesQuery(day));
  const runs = useQuery(planRunsQuery(day));
  const last = runs.data?.at(-1);
  if (schedules.data === undefined || schedules.data.length > 0 || last === undefined) return null;
  return (
    <div className="notice" role="status">
      <strong>{text.today.planRefused(moment(last.t))}</strong>
      <span className="mono">{last.detail || last.code}</span>
    </div>
  );
}
