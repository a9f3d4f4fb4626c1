/** Until when a day can be corrected and disputed, its versions, what the court decided, and what is marked as disputed. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Line, type Settlement, serviceQuery } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { moment } from "../units/time.ts";

export function CorrectionsCard({ settlement, lines }: { readonly settlement: Settlement; readonly lines: readonly Line[] | undefined }): ReactNode {
  const { dispute: words } = useText().text;
  const disputed = lines?.filter((line) => line.disputed).length;
  return (
    <section className="card corrections">
      <div className="card-head">
        <h2>{words.title}</h2>
        <span className="note">
          <WindowText settlement={settlement} />
        </span>
      </div>
      <div className="columns">
        <div>
          <h3>{words.versions}</h3>
          {settlement.versions.map((version, at) => (
            <p key={version.version}>
              <VersionText settlement={settlement} version={version} first={at === 0} />
            </p>
          ))}
          {disputed !== undefined && <p className={disputed > 0 ? "chip warn" : "muted"}>{disputed > 0 ? words.disputedCount(disputed) : words.disputedNone}</p>}
        </div>
        <div>
          <h3>{words.decisions}</h3>
          {settlement.decisions.length === 0 && <p className="muted">{words.noDecisions}</p>}
          {settlement.decisions.map((decision) => (
            <p key={`${decision.version}-${decision.leaf}-${decision.expected}`}>
              <strong>{words.decision(decision.version, decision.leaf)}</strong> {words.wasIs(decision.got, decision.expected)}
              {decision.movedCents !== "0" && ` · ${words.moved(yuan(decision.movedCents, { signed: true }))}`}
              <span className="muted"> · {words.by(`${decision.by.slice(0, 8)}…${decision.by.slice(-4)}`)}</span>
            </p>
          ))}
        </div>
      </div>
    </section>
  );
}

function WindowText({ settlement }: { readonly settlement: Settlement }): ReactNode {
  const { dispute: words } = useText().text;
  const service = useQuery(serviceQuery);
  if (settlement.finalAtS === null || service.data === undefined) return words.notOpen;
  const endsMs = settlement.finalAtS * 1000;
  return service.data.now < endsMs ? words.openUntil(moment(endsMs)) : words.closed(moment(endsMs));
}

function VersionText({
  settlement,
  version,
  first,
}: {
  readonly settlement: Settlement;
  readonly version: Settlement["versions"][number];
  readonly first: boolean;
}): ReactNode {
  const { text } = useText();
  const isVoid = version.version <= settlement.voidedUpTo;
  const what = isVoid ? text.dispute.void : first || version.version === settlement.voidedUpTo + 1 ? text.dispute.firstVersion : text.dispute.correction;
  const posted = version.postedAtS === null ? text.statement.notPosted : text.statement.postedAt(moment(version.postedAtS * 1000));
  return (
    <>
      <strong>{text.statement.version(version.version)}</strong> <span className={isVoid ? "chip bad" : ""}>{what}</span>
      <span className="muted"> · {posted}</span>
    </>
  );
}
