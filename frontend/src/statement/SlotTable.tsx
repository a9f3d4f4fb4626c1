/** One kind's lines, slot by slot: energy × price = amount. */

import { Table } from "antd";
import type { ReactNode } from "react";
import type { Line, Settlement } from "../api/queries.ts";
import { useNarrow } from "../states/useNarrow.ts";
import { useText } from "../text/TextProvider.tsx";
import { pricePerKwh, yuan } from "../units/money.ts";
import { energy } from "../units/quantity.ts";
import { slotStart } from "../units/time.ts";
import { LineDetail } from "./LineDetail.tsx";
import { DAY_SLOT, type KindGroup, type OwnLine } from "./lines.ts";

const ROWS = 12;

export function SlotTable({ group, settlement }: { readonly group: KindGroup; readonly settlement: Settlement }): ReactNode {
  const { text } = useText();
  const { statement: words } = text;
  return (
    <div className="slots">
      <p className="muted">
        {words.perSlot} · {words.formula}
      </p>
      <Table<OwnLine>
        size="small"
        rowKey={(own) => own.line.index}
        dataSource={[...group.lines]}
        scroll={{ x: "max-content" }}
        expandable={{
          expandedRowRender: ({ line, received }) => <LineDetail line={line} settlement={settlement} received={received} />,
          columnWidth: 36,
        }}
        pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        columns={[
          { title: words.slot, render: (_, { line }) => <Slot line={line} /> },
          { title: words.counterparty, responsive: ["md"], render: (_, own) => <Account account={own.other} /> },
          { title: words.quantity, align: "right", render: (_, own) => (isFixed(own) ? "—" : energy(own.quantityWh, 1)) },
          {
            title: words.price,
            align: "right",
            render: (_, own) => (isFixed(own) ? words.fixed : `× ${pricePerKwh(own.line.priceCentsPerMwh)}`),
          },
          { title: words.amount, align: "right", render: (_, own) => yuan(own.amountCents, { signed: true }) },
          { title: text.dispute.flags, responsive: ["md"], render: (_, { line }) => <Flags line={line} /> },
        ]}
      />
    </div>
  );
}

/** When, and on phones below it whether the line is disputed, was corrected or decided. */
function Slot({ line }: { readonly line: Line }): ReactNode {
  const { statement: words } = useText().text;
  const narrow = useNarrow();
  return (
    <>
      {line.slot >= DAY_SLOT ? words.wholeDay : slotStart(line.slot)}
      {narrow && flagged(line) && (
        <div className="chips">
          <Flags line={line} />
        </div>
      )}
    </>
  );
}

function flagged(line: Line): boolean {
  return line.disputed || line.posted.length > 1 || line.judgedCents !== "0";
}

/** Whether a line is disputed, was corrected or decided. */
function Flags({ line }: { readonly line: Line }): ReactNode {
  const { dispute: words } = useText().text;
  if (!flagged(line)) return <span className="muted">{words.unchanged}</span>;
  return (
    <>
      {line.disputed && <span className="chip warn">{words.disputed}</span>}
      {line.posted.length > 1 && <span className="chip">{words.corrected}</span>}
      {line.judgedCents !== "0" && <span className="chip bad">{words.judged}</span>}
    </>
  );
}

/** A party by its name; members by their number. */
function Account({ account }: { readonly account: string }): ReactNode {
  const { text } = useText();
  const number = /^member:(\d+)$/.exec(account)?.[1];
  if (number !== undefined) return text.statement.memberNumber(Number(number));
  return text.statement.partyNames[account] ?? account;
}

function isFixed({ line }: OwnLine): boolean {
  return line.quantityWh === 0 && line.priceCentsPerMwh === 0;
}
