/** Erasing a station's evidence: told plainly what it does and what it cannot do, and confirmed in words. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Choice, Field } from "../act/Field.tsx";
import { Failure } from "../states/Answered.tsx";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { erase, erasureWords } from "./deeds.ts";
import { useDeed } from "./useDeed.ts";

export function EraseCard({ own }: { readonly own: readonly number[] }): ReactNode {
  const { text } = useText();
  const { readers: words } = text;
  const [open, setOpen] = useState(false);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.erase}</h2>
        <Button danger={!open} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.act.close : words.erase}
        </Button>
      </div>
      <p className="muted">{words.eraseWhy}</p>
      {open && <Erasing own={own} />}
    </section>
  );
}

function Erasing({ own }: { readonly own: readonly number[] }): ReactNode {
  const { readers: words } = useText().text;
  const names = useNames();
  const deed = useDeed();
  const [station, setStation] = useState(own[0] ?? 0);
  const [said, setSaid] = useState("");
  const wanted = erasureWords(station);
  return (
    <div className="form">
      <Choice label={words.eraseStation} value={station} set={setStation} options={own.map((one) => ({ value: one, label: names.station(one) }))} />
      <div className="wide">
        <Field label={words.eraseConfirm(wanted)} value={said} set={setSaid} />
      </div>
      <div className="actions wide">
        <Button danger type="primary" disabled={said !== wanted} loading={deed.isPending} onClick={() => deed.mutate(() => erase(station, said))}>
          {words.eraseSubmit}
        </Button>
      </div>
      <div className="wide">
        {deed.isSuccess && (
          <p className="outcome done" role="status">
            {words.erased}
          </p>
        )}
        {deed.isError && <Failure error={deed.error} />}
      </div>
    </div>
  );
}
