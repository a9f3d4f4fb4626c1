/** What offers of each type of station must keep to. */

import type { ReactNode } from "react";
import type { Charter } from "../api/queries.ts";
import { Fact } from "../leases/TermsFacts.tsx";
import { Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { share } from "../units/quantity.ts";
import { SLOTS_A_DAY } from "../units/time.ts";

export function MechanismsCard({ mechanisms }: { readonly mechanisms: Charter["mechanisms"] }): ReactNode {
  const { text } = useText();
  const { charter: words } = text;
  return (
    <section className="card">
      <h2>{words.mechanisms}</h2>
      {mechanisms.length === 0 && <Empty>{words.noMechanisms}</Empty>}
      {mechanisms.map((one) => (
        <div key={one.stationType}>
          <h3>{words.mechanism(text.station.types[one.stationType] ?? one.stationType)}</h3>
          <dl className="facts">
            <Fact name={words.offerable} value={share(one.offerableBp)} />
            <Fact name={words.maxRent} value={`${yuan(one.maxRentCentsPerKwYear)} ${text.leases.rentUnit}`} />
            <Fact name={words.minSla} value={share(one.minSlaBp)} />
            <Fact name={words.maxTerm} value={words.days(Math.floor(one.maxTermSlots / SLOTS_A_DAY))} />
          </dl>
        </div>
      ))}
    </section>
  );
}
