/** What dispatchers told a station's box, and what it answered, with reasons: for its owner and for who dispatches. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { type Directive, directivesQuery, type Station, type Who, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useNarrow } from "../states/useNarrow.ts";
import { useText } from "../text/TextProvider.tsx";
import { power } from "../units/quantity.ts";
import { instant } from "../units/time.ts";

const ROWS = 5;
const MARKS: Readonly<Record<Directive["standing"], string>> = {
  waiting: "plain",
  accepted: "",
  refused: "bad",
  done: "",
  superseded: "plain",
  unanswered: "bad",
};

export function DirectivesCard({ station }: { readonly station: Station }): ReactNode {
  const who = useQuery(whoQuery);
  return maySee(who.data, station) ? <Told station={station.station} /> : null;
}

function maySee(who: Who | null | undefined, station: Station): boolean {
  if (who === null || who === undefined) return false;
  return who.operator || who.regulator || who.dispatcher || who.member === station.owner;
}

function Told({ station }: { readonly station: number }): ReactNode {
  const { directives: words } = useText().text;
  const told = useQuery(directivesQuery(station));
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.title}</h2>
        <span className="note">{words.note}</span>
      </div>
      <Answered of={told} height={120}>
        {(data) => (data.length === 0 ? <Empty>{words.none}</Empty> : <Rows told={data} />)}
      </Answered>
    </section>
  );
}

function Rows({ told }: { readonly told: readonly Directive[] }): ReactNode {
  const { directives: words } = useText().text;
  if (useNarrow()) return told.slice(0, ROWS).map((one) => <Short key={one.digest} one={one} />);
  return (
    <Table<Directive>
      size="small"
      rowKey="digest"
      dataSource={[...told]}
      scroll={{ x: "max-content" }}
      pagination={{ pageSize: ROWS, hideOnSinglePage: true, showSizeChanger: false, size: "small" }}
      columns={[
        { title: words.what, render: (_, one) => <What one={one} /> },
        { title: words.standing, render: (_, one) => <Standing one={one} /> },
        { title: words.issued, render: (_, one) => instant(one.issuedAt) },
        { title: words.until, render: (_, one) => instant(one.until) },
        { title: words.plan, render: (_, one) => (one.call === null ? words.schedule : words.call(one.call)) },
      ]}
    />
  );
}

/** One directive on a phone: what, until when, and the answer under it. */
function Short({ one }: { readonly one: Directive }): ReactNode {
  const { directives: words } = useText().text;
  return (
    <div>
      <What one={one} />
      <p className="muted">
        {words.until} {instant(one.until)}
      </p>
      <Standing one={one} />
    </div>
  );
}

function What({ one }: { readonly one: Directive }): ReactNode {
  const { directives: words } = useText().text;
  if (one.kind === "envelope") return words.envelope(power(one.reserveUpW), power(one.reserveDownW), one.droop === true);
  return `${words.services[one.service ?? ""] ?? one.service} ${power(one.powerW, 1)}`;
}

/** Where it stands, the box's reason, and whether it was ever late. */
function Standing({ one }: { readonly one: Directive }): ReactNode {
  const { text, language } = useText();
  const { directives: words } = text;
  return (
    <span className="chips">
      <span className={`chip ${MARKS[one.standing]}`}>{words.standings[one.standing]}</span>
      {one.reasons.map((reason) => (
        <span key={reason.code}>{language === "zh" ? reason.zh : reason.en}</span>
      ))}
      {one.escalatedAt !== null && one.standing !== "unanswered" && <span className="chip warn">{words.late}</span>}
    </span>
  );
}
