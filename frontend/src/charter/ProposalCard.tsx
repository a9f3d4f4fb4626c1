/** One proposal: what it would do, why, where it stands, and what this member may do about it now. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import type { ReactNode } from "react";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import type { Proposal } from "../api/queries.ts";
import { type Call, execute, objectTo, takeBack, vote } from "../chain/call.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";
import { MeaningLine } from "./MeaningLine.tsx";
import { meaningOf } from "./meaning.ts";
import { textQuery } from "./texts.ts";

export function ProposalCard({ proposal, member }: { readonly proposal: Proposal; readonly member: number | null }): ReactNode {
  const { charter: words } = useText().text;
  const names = useNames();
  return (
    <article className="card" data-proposal={proposal.proposal}>
      <div className="card-head">
        <h2>
          <MeaningLine meaning={meaningOf(proposal.contract, proposal.data as `0x${string}`)} />
        </h2>
        <span className="note">
          {words.proposal(proposal.proposal)} <State state={proposal.state} />
        </span>
      </div>
      <p className="muted">{words.by(names.member(proposal.proposer), moment(proposal.madeAt))}</p>
      <Why hash={proposal.description} />
      <Tally proposal={proposal} />
      <Times proposal={proposal} />
      {member !== null && <Ballot proposal={proposal} member={member} />}
    </article>
  );
}

function State({ state }: { readonly state: string }): ReactNode {
  const { charter: words } = useText().text;
  const look = ["executed", "executable"].includes(state) ? "" : ["voting", "waiting"].includes(state) ? "warn" : "plain";
  return <span className={`chip ${look}`}>{words.states[state] ?? state}</span>;
}

function Why({ hash }: { readonly hash: string }): ReactNode {
  const { charter: words } = useText().text;
  const { data } = useQuery(textQuery(hash));
  if (data === undefined) return null;
  if (data === null) return <p className="muted">{words.whyUnknown}</p>;
  if (!data.matches) return <p className="notice">{words.whyDiffers}</p>;
  return <blockquote>{data.text}</blockquote>;
}

function Tally({ proposal }: { readonly proposal: Proposal }): ReactNode {
  const { charter: words } = useText().text;
  const row = (label: string, votes: number, look: string): ReactNode => (
    <>
      <span>{label}</span>
      <span className="bar" aria-hidden="true">
        <i className={look} style={{ width: `${(100 * votes) / Math.max(1, proposal.electorate)}%` }} />
      </span>
      <strong className="num">{votes}</strong>
    </>
  );
  return (
    <div className="tally">
      {row(words.votesFor, proposal.votesFor, "for")}
      {row(words.votesAgainst, proposal.votesAgainst, "against")}
    </div>
  );
}

function Times({ proposal }: { readonly proposal: Proposal }): ReactNode {
  const { charter: words } = useText().text;
  const { state, executableFrom, executableUntil } = proposal;
  const said = [
    words.electorate(proposal.electorate),
    ...(state === "voting" ? [words.votingEnds(moment(proposal.votingEndsAt))] : []),
    ...(state === "waiting" && executableFrom !== null ? [words.executableFrom(moment(executableFrom))] : []),
    ...(state === "executable" && executableUntil !== null ? [words.executableUntil(moment(executableUntil))] : []),
  ];
  return <p className="muted">{said.join(" · ")}</p>;
}

function Ballot({ proposal, member }: { readonly proposal: Proposal; readonly member: number }): ReactNode {
  const { charter: words } = useText().text;
  const act = useAct();
  const number = BigInt(proposal.proposal);
  const mine = proposal.ballots.find((one) => one.member === member)?.ballot;
  const busy = act.state === "wallet" || act.state === "sent";
  const button = (label: string, call: Call, primary = false, hint?: string): ReactNode => (
    <Button type={primary ? "primary" : "default"} loading={busy} title={hint} onClick={() => act.run(call)}>
      {label}
    </Button>
  );
  const { state } = proposal;
  return (
    <>
      <div className="actions">
        {mine !== undefined && <span className="chip">{words.myBallot(words.ballots[mine] ?? mine)}</span>}
        {state === "voting" && mine === undefined && button(words.voteFor, vote(number, true), true)}
        {state === "voting" && mine === undefined && button(words.voteAgainst, vote(number, false))}
        {state === "executable" && button(words.execute, execute(number, proposal.data as `0x${string}`), true, words.executeWhy)}
        {(state === "waiting" || state === "executable") && mine !== "objected" && button(words.object, objectTo(number), false, words.objectWhy)}
        {state === "voting" && proposal.proposer === member && button(words.takeBack, takeBack(number))}
      </div>
      <Outcome act={act} />
    </>
  );
}
