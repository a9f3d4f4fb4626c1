/** Offering a part of one's station. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Choice } from "../act/Field.tsx";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import { profilesQuery, type Station, type StationProfile } from "../api/queries.ts";
import { offerCapacity } from "../chain/call.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { typed } from "../units/entry.ts";
import { dayAfter, SLOTS_A_DAY } from "../units/time.ts";
import { LeasableNote } from "./LeasableNote.tsx";
import { MoreOfferFields, OfferFields } from "./OfferFields.tsx";
import { type OfferField, type OfferForm, termsOf } from "./offerForm.ts";

export function OfferNew({ stations, today }: { readonly stations: readonly Station[]; readonly today: string }): ReactNode {
  const { text } = useText();
  const [open, setOpen] = useState(false);
  const profiles = useQuery(profilesQuery);
  const first = stations[0];
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.leases.offerNew}</h2>
        {first !== undefined && (
          <Button type={open ? "default" : "primary"} aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? text.act.close : text.leases.offerNew}
          </Button>
        )}
      </div>
      <p className="muted">{first === undefined ? text.leases.noStation : text.leases.offerWhy}</p>
      {open && first !== undefined && profiles.data !== undefined && (
        <OfferEditor stations={stations} start={initial(first.station, profiles.data.stations, today)} />
      )}
    </section>
  );
}

function OfferEditor({ stations, start }: { readonly stations: readonly Station[]; readonly start: OfferForm }): ReactNode {
  const { text } = useText();
  const names = useNames();
  const act = useAct();
  const [form, setForm] = useState(start);
  const [wrong, setWrong] = useState<readonly OfferField[]>([]);
  const change = (part: Partial<OfferForm>): void => setForm({ ...form, ...part });
  const submit = (): void => {
    const read = termsOf(form);
    setWrong("wrong" in read ? read.wrong : []);
    if ("terms" in read) act.run(offerCapacity(read.terms));
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Choice
        label={text.leases.station}
        value={form.station}
        set={(station) => change({ station })}
        options={stations.map(({ station }) => ({ value: station, label: names.station(station) }))}
      />
      <LeasableNote station={form.station} day={form.firstDay} />
      <OfferFields {...{ form, change, wrong }} />
      <details className="more wide" open={wrong.length > 0 || undefined}>
        <summary>{text.leases.more}</summary>
        <div className="form">
          <MoreOfferFields {...{ form, change, wrong }} />
        </div>
      </details>
      <div className="actions wide">
        <Button type="primary" htmlType="submit" loading={act.state === "wallet" || act.state === "sent"}>
          {text.leases.submitOffer}
        </Button>
        <span className="muted">{text.act.costs}</span>
      </div>
      <div className="wide">
        <Outcome act={act} />
      </div>
    </form>
  );
}

/** Good defaults: a month from tomorrow, all hours, the station's own efficiency and wear. */
function initial(station: number, profiles: readonly StationProfile[], today: string): OfferForm {
  const profile = profiles.find((one) => one.station === station);
  return {
    station, powerKw: "", energyKwh: "", firstDay: dayAfter(today, 1), days: "30", rent: "",
    wear: typed(BigInt(profile?.wearPrice ?? 0), 5), etaC: typed(profile?.etaCPpm ?? 950_000, 4), etaD: typed(profile?.etaDPpm ?? 950_000, 4),
    handoverKwh: "0", handoverPrice: "0", sla: "98", slaFactor: "150", weekdayMask: 0x7f, fromSlot: 0, toSlot: SLOTS_A_DAY,
    endNoticeDays: "0", endFee: "0",
  };
}
