/** One reader: who it is, what it may read, and what I may change of that. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import type { Reader, Who } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";
import { give, remove, takeBack } from "./deeds.ts";
import { useDeed } from "./useDeed.ts";

interface ReaderProps {
  readonly reader: Reader;
  readonly own: readonly number[];
  readonly who: Who;
}

export function ReaderCard({ reader, own, who }: ReaderProps): ReactNode {
  const { readers: words } = useText().text;
  const by = useActor();
  const mayRemove = reader.addedBy === who.address || (reader.member !== null && reader.member === who.member);
  return (
    <article className="card" data-reader={reader.fingerprint}>
      <div className="card-head">
        <h2>{reader.name}</h2>
        <span className={`chip ${reader.kind === "regulator" ? "warn" : ""}`}>{words.kinds[reader.kind] ?? reader.kind}</span>
      </div>
      <p className="muted">{words.kindWhy[reader.kind]}</p>
      <Scope reader={reader} />
      <p className="muted">
        {words.fingerprint} <span className="mono">{reader.fingerprint}</span>
        <br />
        {words.addedBy(by(reader.addedBy), moment(reader.addedAt))}
      </p>
      {reader.kind === "auditor" && <Giving reader={reader} own={own} />}
      {mayRemove && <Removing fingerprint={reader.fingerprint} />}
    </article>
  );
}

function Scope({ reader }: { readonly reader: Reader }): ReactNode {
  const { readers: words } = useText().text;
  const names = useNames();
  const subjects = reader.everything ? [words.everything] : reader.subjects.map((one) => (one === 0 ? words.documents : names.station(one)));
  return (
    <div className="chips">
      {subjects.length === 0 && <span className="chip plain">{words.nothing}</span>}
      {subjects.map((subject) => (
        <span key={subject} className="chip plain">
          {subject}
        </span>
      ))}
    </div>
  );
}

function Giving({ reader, own }: { readonly reader: Reader; readonly own: readonly number[] }): ReactNode {
  const { readers: words } = useText().text;
  const names = useNames();
  const deed = useDeed();
  return (
    <>
      <div className="actions">
        {own.map((station) => {
          const has = reader.subjects.includes(station);
          const change = has ? takeBack : give;
          return (
            <Button key={station} loading={deed.isPending} onClick={() => deed.mutate(() => change(reader.fingerprint, station))}>
              {has ? words.takeBack(names.station(station)) : words.give(names.station(station))}
            </Button>
          );
        })}
      </div>
      {deed.isError && <Failure error={deed.error} />}
    </>
  );
}

function Removing({ fingerprint }: { readonly fingerprint: string }): ReactNode {
  const { readers: words } = useText().text;
  const deed = useDeed();
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <div className="actions">
        <Button onClick={() => setAsked(true)}>{words.remove}</Button>
      </div>
    );
  }
  return (
    <>
      <p className="notice">{words.removeWhy}</p>
      <div className="actions">
        <Button danger loading={deed.isPending} onClick={() => deed.mutate(() => remove(fingerprint))}>
          {words.confirmRemove}
        </Button>
        <Button onClick={() => setAsked(false)}>{words.keep}</Button>
      </div>
      {deed.isError && <Failure error={deed.error} />}
    </>
  );
}

/** Who did something, by name: the operator, or the start of an account. */
export function useActor(): (by: string) => string {
  const { readers: words } = useText().text;
  return (by) => (by === "operator" ? words.operator : `${by.slice(0, 8)}…${by.slice(-4)}`);
}
