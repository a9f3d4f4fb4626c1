/** Who was given what, when and by whom. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { type Deed, readersQuery, trailQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";
import { useActor } from "./ReaderCard.tsx";

const ROWS = 10;

export function TrailCard(): ReactNode {
  const { readers: words } = useText().text;
  const trail = useQuery(trailQuery);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.trail}</h2>
        <a className="note" href="/v1/readers/trail.csv" download>
          {words.exportTrail}
        </a>
      </div>
      <Answered of={trail} height={160}>
        {(data) => (data.length === 0 ? <Empty>{words.trailEmpty}</Empty> : <Trail deeds={data} />)}
      </Answered>
    </section>
  );
}

function Trail({ deeds }: { readonly deeds: readonly Deed[] }): ReactNode {
  const { readers: words } = useText().text;
  const names = useNames();
  const by = useActor();
  const readers = useQuery(readersQuery);
  const nameOf = (fingerprint: string | null): string =>
    fingerprint === null ? "—" : (readers.data?.find((one) => one.fingerprint === fingerprint)?.name ?? fingerprint);
  const subjectOf = (subject: number | null): string => (subject === null ? "—" : subject === 0 ? words.documents : names.station(subject));
  return (
    <Table<Deed>
      size="small"
      rowKey="number"
      dataSource={[...deeds]}
      scroll={{ x: "max-content" }}
      pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
      columns={[
        { title: words.when, render: (_, deed) => moment(deed.at) },
        { title: words.what, render: (_, deed) => words.acts[deed.what] ?? deed.what },
        { title: words.reader, render: (_, deed) => nameOf(deed.reader) },
        { title: words.subject, render: (_, deed) => subjectOf(deed.subject) },
        { title: words.who, render: (_, deed) => by(deed.by) },
      ]}
    />
  );
}
