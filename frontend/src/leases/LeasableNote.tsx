/** What the contract lets an owner offer of a station, asked of the chain itself. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { usePinned } from "../audit/usePinned.ts";
import { askLeasable } from "../chain/ask.ts";
import { useText } from "../text/TextProvider.tsx";
import { firstSlotOf } from "../units/entry.ts";
import { energy, power } from "../units/quantity.ts";

export function LeasableNote({ station, day }: { readonly station: number; readonly day: string }): ReactNode {
  const { leases: words } = useText().text;
  const { deployment } = usePinned();
  const slot = firstSlotOf(day);
  const asked = useQuery({
    queryKey: ["leasable", station, slot],
    queryFn: () => askLeasable(deployment, station, slot ?? 0),
    enabled: deployment !== null && slot !== null,
    retry: false,
  });
  if (!asked.data) return null;
  const { leasable, offered } = asked.data;
  return (
    <p className="muted wide">
      {words.leasable(power(Number(leasable.powerW)), energy(Number(leasable.energyWh)))}
      {offered.powerW > 0n && ` · ${words.offered(power(Number(offered.powerW)), energy(Number(offered.energyWh)))}`}
    </p>
  );
}
