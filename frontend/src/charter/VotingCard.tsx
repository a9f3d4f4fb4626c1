/** How members decide, fixed when the alliance was founded. */

import type { ReactNode } from "react";
import type { Charter } from "../api/queries.ts";
import { Fact } from "../leases/TermsFacts.tsx";
import { useText } from "../text/TextProvider.tsx";
import { share } from "../units/quantity.ts";

const DAY_S = 86_400;

export function VotingCard({ voting }: { readonly voting: Charter["voting"] }): ReactNode {
  const { charter: words } = useText().text;
  const spell = (seconds: number): string => (seconds % DAY_S === 0 ? words.days(seconds / DAY_S) : words.hours(seconds / 3600));
  return (
    <section className="card">
      <h2>{words.howDecided}</h2>
      <dl className="facts">
        <Fact name={words.voting} value={spell(voting.votingSeconds)} />
        <Fact name={words.quorum} value={words.ofMembers(share(voting.quorumBp, 0))} />
        <Fact name={words.majority} value={words.ofVotes(share(voting.majorityBp, 0))} />
        <Fact name={words.delay} value={spell(voting.delaySeconds)} />
        <Fact name={words.grace} value={spell(voting.graceSeconds)} />
      </dl>
      <p className="muted">
        {words.delayHint}
      </p>
    </section>
  );
}
