/** The reading that was proven, with its units. */

import type { ReactNode } from "react";
import type { Proven } from "../evidence/verify.ts";
import { useText } from "../text/TextProvider.tsx";
import { energy, figure, power, share } from "../units/quantity.ts";
import { instant } from "../units/time.ts";

export function ProvenCard({ proven }: { readonly proven: Proven }): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  const { reading, soc } = proven;
  const rows: readonly (readonly [string, string])[] = [
    [text.station.title, `${proven.station} · ${text.station.channelKinds[proven.kind] ?? proven.kind}`],
    [text.station.time, instant(Number(reading.tMs))],
    [words.powerOut, power(reading.a, 3)],
    ...(soc === null
      ? [[words.reactive, `${figure(reading.b / 1000, 3)} kvar`] as const]
      : [[text.station.soc, share(soc.socBp, 2)] as const, [words.soh, share(soc.sohBp, 2)] as const]),
    ...registers(proven, words),
  ];
  return (
    <section className="proven">
      <h3>{words.proven}</h3>
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

/** A meter counts import then export, a battery charge then discharge (protocol 2.2). */
function registers(
  { reading }: Proven,
  words: { readonly exportRegister: string; readonly importRegister: string; readonly registerUnit: string },
): readonly (readonly [string, string])[] {
  return [
    [`${words.importRegister} (${words.registerUnit})`, energy(Number(reading.c), 3)],
    [`${words.exportRegister} (${words.registerUnit})`, energy(Number(reading.d), 3)],
  ];
}
