/** A member's lines of a day, by kind, with the why of each, down to the slot; and the day's estimated savings. */

import { useQuery } from "@tanstack/react-query";
import { Button, Table } from "antd";
import type { ReactNode } from "react";
import { type Line, linesQuery, type Settlement } from "../api/queries.ts";
import { Answered } from "../states/Answered.tsx";
import { useNarrow } from "../states/useNarrow.ts";
import { useText } from "../text/TextProvider.tsx";
import { pricePerKwh, sumCents, yuan } from "../units/money.ts";
import { energy } from "../units/quantity.ts";
import { CorrectionsCard } from "./CorrectionsCard.tsx";
import { csvOf, download } from "./csv.ts";
import { byKind, type KindGroup, meanPrice, ownLines } from "./lines.ts";
import { SavingsCard } from "./SavingsCard.tsx";
import { SlotTable } from "./SlotTable.tsx";

export function StatementCard({ settlement, member }: { readonly settlement: Settlement; readonly member: number }): ReactNode {
  const { text } = useText();
  const lines = useQuery(linesQuery(settlement.day, member));
  return (
    <>
      <SavingsCard day={settlement.day} member={member} />
      <section className="card">
        <div className="card-head">
          <h2>{text.statement.groups}</h2>
          {lines.data !== undefined && <Export day={settlement.day} lines={lines.data} />}
        </div>
        <Answered of={lines} height={320}>
          {(data) => <KindTable groups={byKind(ownLines(data, `member:${member}`))} settlement={settlement} />}
        </Answered>
      </section>
      <CorrectionsCard settlement={settlement} lines={lines.data} />
    </>
  );
}

function Export({ day, lines }: { readonly day: string; readonly lines: readonly Line[] }): ReactNode {
  const { text } = useText();
  const name = `alliance-statement-${day}.csv`;
  return (
    <span className="note">
      {text.statement.lines(lines.length)}{" "}
      <Button size="small" onClick={() => download(name, csvOf(day, lines, text.statement.columns))}>
        {text.statement.export}
      </Button>
    </span>
  );
}

function KindTable({ groups, settlement }: { readonly groups: readonly KindGroup[]; readonly settlement: Settlement }): ReactNode {
  const { text } = useText();
  const { statement: words } = text;
  const narrow = useNarrow();
  const total = sumCents(groups.map((group) => group.amountCents));
  return (
    <Table<KindGroup>
      size="small"
      pagination={false}
      rowKey="kind"
      dataSource={[...groups]}
      scroll={{ x: "max-content" }}
      expandable={{ expandedRowRender: (group) => <SlotTable group={group} settlement={settlement} />, columnWidth: 36 }}
      columns={[
        {
          title: words.kind,
          render: (_, group) => (
            <span className="kind">
              <strong>{words.kinds[group.kind] ?? group.kind}</strong>
              <small>{words.reasons[group.kind] ?? ""}</small>
              {group.quantityWh !== 0 && (
                <small className="narrow-only">
                  {energy(group.quantityWh)} · <Price cents={meanPrice(group)} />
                </small>
              )}
            </span>
          ),
        },
        { title: words.quantity, align: "right", responsive: ["md"], render: (_, group) => (group.quantityWh === 0 ? "—" : energy(group.quantityWh)) },
        { title: words.averagePrice, align: "right", responsive: ["md"], render: (_, group) => <Price cents={meanPrice(group)} /> },
        { title: words.amount, align: "right", render: (_, group) => <strong>{yuan(group.amountCents, { signed: true })}</strong> },
      ]}
      summary={() => (
        <Table.Summary.Row>
          <Table.Summary.Cell index={0} colSpan={narrow ? 2 : 4}>
            <strong>{words.total}</strong>
          </Table.Summary.Cell>
          <Table.Summary.Cell index={4} align="right">
            <strong>{yuan(total, { signed: true })}</strong>
          </Table.Summary.Cell>
        </Table.Summary.Row>
      )}
    />
  );
}

function Price({ cents }: { readonly cents: number | null }): ReactNode {
  const { text } = useText();
  return cents === null ? "—" : `${pricePerKwh(cents)} ${text.series.pricePerKwh}`;
}
