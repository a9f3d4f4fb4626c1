/** One line: its amount through the versions and decisions, and how to bring it to court. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Line, type Settlement, serviceQuery } from "../api/queries.ts";
import { usePinned } from "../audit/usePinned.ts";
import { Copyable } from "../states/Copyable.tsx";
import { Skeleton } from "../states/Opening.tsx";
import { useText } from "../text/TextProvider.tsx";
import { yuan } from "../units/money.ts";
import { disputable, disputeCommand, KEY_FILE } from "./disputeCommand.ts";

interface LineProps {
  readonly line: Line;
  readonly settlement: Settlement;
  /** Whether the member receives what the line's account does. */
  readonly received: boolean;
}

export function LineDetail(props: LineProps): ReactNode {
  return (
    <div className="line-detail">
      <Amounts {...props} />
      <Disputing {...props} />
    </div>
  );
}

function Amounts({ line, received }: LineProps): ReactNode {
  const { dispute: words } = useText().text;
  const own = (cents: string): string => yuan(received ? BigInt(cents) : -BigInt(cents), { signed: true });
  return (
    <div>
      <h3>{words.amounts}</h3>
      {line.disputed && <p className="notice">{words.disputedWhy}</p>}
      <dl className="facts">
        {line.posted.map(({ version, amountCents }, at) => (
          <Row key={version} name={at === 0 ? words.versionAmount(version) : words.difference(version)} value={own(amountCents)} />
        ))}
        {line.judgedCents !== "0" && <Row name={words.courtMoved} value={own(line.judgedCents)} />}
        <Row name={words.standing} value={own(line.amountCents)} />
      </dl>
    </div>
  );
}

function Row({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd className="num">{value}</dd>
    </>
  );
}

function Disputing({ line, settlement }: LineProps): ReactNode {
  const { dispute: words } = useText().text;
  const { deployment } = usePinned();
  const service = useQuery(serviceQuery);
  const found = disputable(line, settlement.version, settlement.finalAtS, service.data?.now ?? 0);
  if (!found.can) {
    const why = { notJudged: words.notJudged, tooLate: words.tooLate, notInNewest: words.notInNewest(settlement.version) }[found.why];
    return (
      <div>
        <h3>{words.how}</h3>
        <p className="muted">{why}</p>
      </div>
    );
  }
  if (deployment === null) return <Skeleton height={120} />;
  const place = {
    day: settlement.day,
    leaf: found.leaf,
    rpcUrl: deployment.rpcUrl ?? words.yourNode,
    archive: window.location.origin,
  };
  return (
    <div className="how">
      <h3>{words.how}</h3>
      <p className="muted">{words.howWhy}</p>
      <p>{words.command}</p>
      <Copyable value={disputeCommand(place)} />
      <p>{words.commandWallet}</p>
      <Copyable value={disputeCommand(place, true)} />
      <p className="muted">{words.keyHint(KEY_FILE)}</p>
      <p className="muted">{words.deploymentHint}</p>
    </div>
  );
}
