/** One kind's lines, slot by slot: energy × price = amount. */

import { Table } from "antd";
import type { ReactNode } from "react";
import { useText } from "../text/TextProvider.tsx";
import { pricePerKwh, yuan } from "../units/money.ts";
import { energy } from "../units/quantity.ts";
import { slotStart } from "../units/time.ts";
import { DAY_SLOT, type KindGroup, type OwnLine } from "./lines.ts";

const ROWS = 12;

export function SlotTable({ group }: { readonly group: KindGroup }): ReactNode {
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
        pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
        columns={[
          { title: words.slot, render: (_, { line }) => (line.slot >= DAY_SLOT ? words.wholeDay : slotStart(line.slot)) },
          { title: words.counterparty, responsive: ["md"], render: (_, own) => <Account account={own.other} /> },
          { title: words.quantity, align: "right", render: (_, own) => (isFixed(own) ? "—" : energy(own.quantityWh, 1)) },
          {
            title: words.price,
            align: "right",
            render: (_, own) => (isFixed(own) ? words.fixed : `× ${pricePerKwh(own.line.priceCentsPerMwh)}`),
          },
          { title: words.amount, align: "right", render: (_, own) => yuan(own.amountCents, { signed: true }) },
        ]}
      />
    </div>
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
