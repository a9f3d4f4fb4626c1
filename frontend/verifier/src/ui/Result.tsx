/** A verdict for people: the outcome, the first divergence by place and rule, what was checked and what was not, a report to keep. */

import { type ReactNode, useEffect, useRef } from "react";
import type { ReadingPlain, ReceiptVerdict } from "../audit/receipt.ts";
import type { Counts, DivergencePlain, Verdict } from "../audit/verdict.ts";
import { Both } from "./Both.tsx";
import { COUNTS, OUTCOME_SENTENCES, OUTCOMES, PLACES, READING, SCOPE, type Said, text } from "./text.ts";

/** What ended, and everything that a report should hold. */
export type Finished =
  | { readonly mode: "day"; readonly verdict: Verdict; readonly report: object }
  | { readonly mode: "receipt"; readonly verdict: ReceiptVerdict; readonly report: object };

const GLYPHS = { pass: "M6 13.5 11 18.5 20 7.5", fail: "M7 7 19 19M19 7 7 19", unread: "M13 6v9M13 19.2v.6" } as const;

export function Result({ finished, onAgain }: { readonly finished: Finished; readonly onAgain: () => void }): ReactNode {
  const { mode, verdict } = finished;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { divergence, unread } = verdict;
  return (
    <section className={`card result ${verdict.verdict}`} aria-live="polite" data-testid="result" data-verdict={verdict.verdict}>
      <header>
        <svg viewBox="0 0 26 26" width="52" height="52" aria-hidden="true">
          <path d={GLYPHS[verdict.verdict]} fill="none" stroke="currentColor" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
        <div>
          <h2 ref={heading} tabIndex={-1}>
            <Both say={OUTCOMES[verdict.verdict]} />
            {mode === "day" ? <span className="num"> · {verdict.day}</span> : null}
          </h2>
          <p>
            <Both say={OUTCOME_SENTENCES[mode][verdict.verdict]} apart />
          </p>
        </div>
      </header>
      {divergence ? <DivergenceTable found={divergence} /> : null}
      {unread ? (
        <dl className="facts">
          <Fact name={text.unreadWhat} value={unread.what} mono />
          <Fact name={text.why} value={unread.why} mono />
        </dl>
      ) : null}
      {mode === "day" ? <CountTiles counts={verdict.counts} /> : null}
      {mode === "receipt" && verdict.reading ? <ReadingTable reading={verdict.reading} /> : null}
      <ScopeText mode={mode} whole={verdict.verdict === "pass"} />
      <footer className="actions">
        <a className="button" download={fileName(finished)} href={reportAddress(finished.report)} data-testid="export">
          <Both say={text.exportJson} />
        </a>
        <button type="button" className="button quiet" onClick={onAgain}>
          <Both say={text.again} />
        </button>
      </footer>
    </section>
  );
}

function DivergenceTable({ found }: { readonly found: DivergencePlain }): ReactNode {
  const places = (Object.keys(PLACES) as (keyof typeof PLACES)[]).filter((name) => found[name] !== null);
  return (
    <div className="divergence" data-testid="divergence">
      <ul className="places" aria-label={`${text.where.zh} ${text.where.en}`}>
        {places.map((name) => (
          <li key={name}>
            <small>
              <Both say={PLACES[name]} />
            </small>
            <b className={name === "device" ? "mono" : "num"}>{`${found[name]}`}</b>
          </li>
        ))}
      </ul>
      <dl className="facts">
        <Fact name={text.rule} value={found.rule} testId="rule" />
        <Fact name={text.expected} value={found.expected} mono />
        <Fact name={text.got} value={found.got} mono />
      </dl>
    </div>
  );
}

function CountTiles({ counts }: { readonly counts: Counts }): ReactNode {
  return (
    <dl className="tiles">
      {(Object.keys(COUNTS) as (keyof Counts)[]).map((name) => (
        <div key={name} className="tile">
          <dt>
            <Both say={COUNTS[name]} />
          </dt>
          <dd className="num">{counts[name].toLocaleString("en-US")}</dd>
        </div>
      ))}
    </dl>
  );
}

function ReadingTable({ reading: r }: { readonly reading: ReadingPlain }): ReactNode {
  const kind = READING[r.kind];
  return (
    <dl className="facts" data-testid="reading">
      <Fact name={READING.station} value={`${r.station}`} />
      <Fact name={READING.kind} value={`${kind.zh} ${kind.en}`} />
      <Fact name={READING.device} value={r.device} mono />
      <Fact name={READING.seq} value={`${r.seq}`} />
      <Fact name={READING.time} value={localTime(r.tMs)} />
      <Fact name={READING.power} value={`${r.a.toLocaleString("en-US")} W`} />
      <Fact name={READING.registers} value={`${r.c} / ${r.d} Wh`} />
      <Fact name={READING.signer} value={r.signer} mono />
      <Fact name={READING.epoch} value={`${r.epoch}`} />
      <Fact name={READING.block} value={`${r.block} · ${localTime(r.blockTimeS * 1000)}`} />
    </dl>
  );
}

function ScopeText({ mode, whole }: { readonly mode: "day" | "receipt"; readonly whole: boolean }): ReactNode {
  return (
    <div className="scope">
      <h3>
        <Both say={whole ? text.checked : text.wholeChecks} />
      </h3>
      <p>
        <Both say={SCOPE[mode].checked} apart />
      </p>
      <h3>
        <Both say={text.notChecked} />
      </h3>
      <p>
        <Both say={SCOPE[mode].notChecked} apart />
      </p>
    </div>
  );
}

interface FactProps {
  readonly name: Said;
  readonly value: string;
  readonly mono?: boolean;
  readonly testId?: string;
}

function Fact({ name, value, mono = false, testId }: FactProps): ReactNode {
  return (
    <div>
      <dt>
        <Both say={name} />
      </dt>
      <dd className={mono ? "mono" : undefined} data-testid={testId}>
        {value}
      </dd>
    </div>
  );
}

/** A time of the alliance's zone, UTC+8, to the second. */
function localTime(ms: number): string {
  const iso = new Date(ms + 8 * 3_600_000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC+8`;
}

function fileName({ mode, verdict }: Finished): string {
  return mode === "day" ? `verdict-${verdict.day}.json` : `verdict-receipt-${verdict.reading?.seq ?? "refused"}.json`;
}

function reportAddress(report: object): string {
  return `data:application/json;charset=utf-8,${encodeURIComponent(JSON.stringify(report, null, 2))}`;
}
