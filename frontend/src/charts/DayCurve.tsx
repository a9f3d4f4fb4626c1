/** A day's curve with its tariff, or the text that there is none. */

import { type ReactNode, useMemo } from "react";
import { useNarrow } from "../states/useNarrow.ts";
import { Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { curveOption, type CurvePoint } from "./curveOption.ts";
import { Figure } from "./Figure.tsx";

export function DayCurve({
  slots,
  tariff,
  label,
  battery,
}: {
  readonly slots: readonly CurvePoint[];
  readonly tariff: readonly { readonly buyPrice: number }[];
  readonly label: string;
  readonly battery: boolean;
}): ReactNode {
  const { text } = useText();
  const narrow = useNarrow();
  const option = useMemo(() => curveOption({ slots, tariff, text, narrow, battery }), [slots, tariff, text, narrow, battery]);
  const known = slots.some((slot) => (slot.plannedNetWh ?? slot.netWh ?? null) !== null);
  if (!known) return <Empty />;
  return <Figure option={option} label={label} height={narrow ? 280 : 330} />;
}
