/** How firmly a station's readings stand: the newest epochs, and for the owner the newest readings with a way to verify each. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { type Epoch, epochsQuery, type Reading, readingsQuery, serviceQuery, type Station, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { power } from "../units/quantity.ts";
import { instant, moment } from "../units/time.ts";

const EPOCHS_SHOWN = 6;
const READINGS_SPAN_MS = 20 * 60_000;
const MINUTE_MS = 60_000;

export function AnchoringCard({ station }: { readonly station: Station }): ReactNode {
  const { text } = useText();
  const epochs = useQuery(epochsQuery);
  return (
    <div className="columns">
      <section className="card">
        <h2>{text.station.anchoring}</h2>
        <Answered of={epochs} height={200}>{(data) => <EpochTable epochs={data.slice(0, EPOCHS_SHOWN)} />}</Answered>
      </section>
      <section className="card">
        <h2>{text.station.readings}</h2>
        <OwnReadings station={station} />
      </section>
    </div>
  );
}

function ChainChip({ status }: { readonly status: Epoch["chainStatus"] }): ReactNode {
  const { text } = useText();
  const look = status === "final" ? "" : status === "confirmed" ? "plain" : "warn";
  return <span className={`chip ${look}`}>{text.station.chain[status]}</span>;
}

function EpochTable({ epochs }: { readonly epochs: readonly Epoch[] }): ReactNode {
  const { text } = useText();
  const service = useQuery(serviceQuery);
  const lengthS = service.data?.epochSeconds ?? 900;
  return (
    <Table<Epoch>
      size="small"
      pagination={false}
      rowKey="epoch"
      dataSource={[...epochs]}
      scroll={{ x: "max-content" }}
      columns={[
        { title: text.station.epoch, dataIndex: "epoch" },
        { title: text.station.epochEnd, render: (_, epoch) => moment((epoch.epoch + 1) * lengthS * 1000).slice(5) },
        { title: text.station.entries, align: "right", responsive: ["md"], render: (_, epoch) => epoch.size ?? "—" },
        { title: text.station.block, align: "right", render: (_, epoch) => epoch.block ?? "—" },
        { title: text.station.onChain, render: (_, epoch) => <ChainChip status={epoch.chainStatus} /> },
      ]}
    />
  );
}

function OwnReadings({ station }: { readonly station: Station }): ReactNode {
  const { text } = useText();
  const who = useQuery(whoQuery);
  const service = useQuery(serviceQuery);
  const mine = who.data?.operator === true || who.data?.member === station.owner;
  if (!mine) {
    return (
      <Empty>
        {text.station.readingsPrivate} · <Link to="/statement">{text.statement.signIn}</Link>
      </Empty>
    );
  }
  if (service.data === undefined) return null;
  const from = service.data.now - (service.data.now % (5 * MINUTE_MS)) - READINGS_SPAN_MS;
  return <ReadingTable station={station.station} fromMs={from} />;
}

function ReadingTable({ station, fromMs }: { readonly station: number; readonly fromMs: number }): ReactNode {
  const { text } = useText();
  const readings = useQuery(readingsQuery(station, 1, fromMs));
  return (
    <Answered of={readings} height={200}>
      {(data) => (
        <Table<Reading>
          size="small"
          pagination={{ pageSize: 6, showSizeChanger: false, hideOnSinglePage: true }}
          rowKey="id"
          dataSource={data.toReversed()}
          scroll={{ x: "max-content" }}
          columns={[
            { title: text.station.seq, dataIndex: "seq" },
            { title: text.station.time, render: (_, reading) => instant(reading.t) },
            { title: text.station.power, align: "right", render: (_, reading) => power(reading.powerW, 1) },
            { title: text.station.onChain, render: (_, reading) => <ChainChip status={reading.chainStatus} /> },
            {
              title: "",
              render: (_, reading) => <Link to={`/audit?reading=${encodeURIComponent(reading.id)}`}>{text.station.verify}</Link>,
            },
          ]}
        />
      )}
    </Answered>
  );
}
