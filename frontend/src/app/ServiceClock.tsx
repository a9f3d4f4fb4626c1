/** The alliance's time, which in a demo is a simulated one; says so, and says when the service cannot be reached. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { serviceQuery } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";

export function ServiceClock(): ReactNode {
  const { text } = useText();
  const { data, isError } = useQuery(serviceQuery);
  return (
    <div className="service-clock" aria-live="off">
      <span className="label">
        {text.serviceTime}
        {data?.lockstep === true && <em>{text.simulated}</em>}
      </span>
      <span className="time">{data === undefined ? "—" : moment(data.now)}</span>
      {isError && (
        <span className="dot-bad" role="status" title={text.offline}>
          {text.unreachable}
        </span>
      )}
    </div>
  );
}
