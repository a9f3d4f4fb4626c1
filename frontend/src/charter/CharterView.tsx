/** The charter: rules in force with their days, how members decide, every proposal and the votes on it. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { charterQuery, proposalsQuery, serviceQuery, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { dayOf } from "../units/time.ts";
import { SignInCard } from "../wallet/SignInCard.tsx";
import { CharterHead } from "./CharterHead.tsx";
import { MechanismsCard } from "./MechanismsCard.tsx";
import { ProposalCard } from "./ProposalCard.tsx";
import { ProposeCard } from "./ProposeCard.tsx";
import { RulebookCard } from "./RulebookCard.tsx";
import { VotingCard } from "./VotingCard.tsx";

export function CharterView(): ReactNode {
  const service = useQuery(serviceQuery);
  return (
    <div className="view">
      <CharterHead />
      {service.data !== undefined && <Rules today={dayOf(service.data.now)} />}
    </div>
  );
}

function Rules({ today }: { readonly today: string }): ReactNode {
  const charter = useQuery(charterQuery(today));
  const who = useQuery(whoQuery);
  const member = who.data?.member ?? null;
  return (
    <>
      <Answered of={charter} height={220}>
        {(data) => (
          <>
            <RulebookCard charter={data} />
            <div className="columns">
              <VotingCard voting={data.voting} />
              <MechanismsCard mechanisms={data.mechanisms} />
            </div>
            {member !== null && <ProposeCard today={today} voting={data.voting} />}
          </>
        )}
      </Answered>
      <Proposals member={member} />
      {who.data === null && <SignInCard why="charter" />}
    </>
  );
}

function Proposals({ member }: { readonly member: number | null }): ReactNode {
  const { charter: words } = useText().text;
  const who = useQuery(whoQuery);
  const proposals = useQuery(proposalsQuery);
  return (
    <>
      <h2>{words.proposals}</h2>
      {who.data === null && <p className="muted">{words.signIn}</p>}
      {who.data && member === null && <p className="notice">{words.notMember}</p>}
      <Answered of={proposals} height={160}>
        {(data) =>
          data.length === 0 ? (
            <Empty>{words.noProposals}</Empty>
          ) : (
            <div className="deals">
              {data.toReversed().map((proposal) => (
                <ProposalCard key={proposal.proposal} proposal={proposal} member={member} />
              ))}
            </div>
          )
        }
      </Answered>
    </>
  );
}
