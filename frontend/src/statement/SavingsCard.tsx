/** What storage and the alliance saved the member: estimates, labelled so, settled nowhere. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { figuresQuery } from "../api/queries.ts";
import { Answered } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { energy } from "../units/quantity.ts";
import { Tile } from "../today/Tile.tsx";

export function SavingsCard({ day, member }: { readonly day: string; readonly member: number }): ReactNode {
  const { text } = useText();
  const { statement: words } = text;
  const figures = useQuery(figuresQuery(day, member));
  const estimate = (
    <span className="chip warn" title={words.estimateWhy}>
      {words.estimate}
    </span>
  );
  return (
    <Answered of={figures} height={90}>
      {(data) => {
        const mine = data.find((figure) => figure.member === member);
        if (mine === undefined) return null;
        const amount = (cents: string): string => `${yuan(cents, { signed: true })} ${text.yuan}`;
        return (
          <section className="tiles" aria-label={words.savings}>
            <Tile name={words.savingAlone} value={amount(mine.savingAloneCents)} mark={estimate} hint={words.estimateWhy} />
            <Tile name={words.savingTogether} value={amount(mine.savingTogetherCents)} mark={estimate} hint={words.estimateWhy} />
            <Tile name={words.leaseMoney} value={amount(mine.leaseCents)} />
            <Tile name={words.fee} value={amount(mine.feeCents)} />
            <Tile name={words.charged} value={energy(mine.chargedWh)} hint={`${words.discharged} ${energy(mine.dischargedWh)}`} />
          </section>
        );
      }}
    </Answered>
  );
}
