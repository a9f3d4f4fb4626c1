/** Fees, loss factor and rule packs by hash, each with the day from which it holds and what follows. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Charter, packsQuery, tariffQuery } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import { ppm, share } from "../units/quantity.ts";
import { shortHex } from "./MeaningLine.tsx";
import { type Ruling, type Standing, standingOf } from "./rulings.ts";

const NAMES = ["fee_bp", "loss_ppm", "tariff", "groups"] as const;
const NOTHING = /^0x0+$/;

export function RulebookCard({ charter }: { readonly charter: Charter }): ReactNode {
  const { charter: words } = useText().text;
  return (
    <section className="card">
      <h2>{words.rulebookOn(charter.day)}</h2>
      <div className="rules">
        {NAMES.map((name) => (
          <Rule key={name} standing={standingOf(charter.rulings, name, charter.day)} day={charter.day} />
        ))}
      </div>
    </section>
  );
}

function Rule({ standing, day }: { readonly standing: Standing; readonly day: string }): ReactNode {
  const { charter: words } = useText().text;
  const { name, now, next } = standing;
  return (
    <div className="rule" data-rule={name}>
      <h3>{words.names[name]}</h3>
      <p className="rule-value">
        {now === null ? <InUse name={name} day={day} /> : <Value ruling={now} />}
        {now !== null && <small>{` ${words.since} ${now.fromDay}`}</small>}
      </p>
      {now === null && <p className="muted">{words.undecided}</p>}
      {next !== null && (
        <p className="chip warn">
          {words.since} {next.fromDay} {words.next} <Value ruling={next} />
        </p>
      )}
      <p className="muted">{words.nameHints[name]}</p>
    </div>
  );
}

function Value({ ruling }: { readonly ruling: Ruling }): ReactNode {
  const { charter: words } = useText().text;
  if (ruling.value === null) return null;
  if (ruling.name === "fee_bp") return share(Number(ruling.value), 2);
  if (ruling.name === "loss_ppm") return ppm(Number(ruling.value));
  return NOTHING.test(ruling.value) ? words.noneAgreed : <PackName hash={ruling.value} />;
}

/** A pack by its name where the service has it, else by its hash. */
function PackName({ hash }: { readonly hash: string }): ReactNode {
  const { data } = useQuery(packsQuery);
  const known = data?.find((pack) => pack.content === hash);
  return (
    <span title={hash}>
      {known?.name}
      <small className="hash-line mono">{shortHex(hash)}</small>
    </span>
  );
}

/** What the service uses while members have decided nothing. */
function InUse({ name, day }: { readonly name: string; readonly day: string }): ReactNode {
  const { charter: words } = useText().text;
  const { data } = useQuery(tariffQuery(day));
  if (name === "groups") return words.byOperator;
  if (data === undefined) return "—";
  if (name === "fee_bp") {
    return (
      <>
        {share(data.pack.feeBp, 2)} <small>{words.byPack}</small>
      </>
    );
  }
  return name === "tariff" ? <PackName hash={data.pack.content} /> : words.byPack;
}
