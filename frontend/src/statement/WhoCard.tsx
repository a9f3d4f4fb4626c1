/** Who is signed in, and the way out. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import type { ReactNode } from "react";
import { isMembersOwn, profilesQuery, type Who } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { named, useText } from "../text/TextProvider.tsx";
import { signOut } from "../wallet/signIn.ts";
import "./statement.css";

export function WhoCard({ who }: { readonly who: Who }): ReactNode {
  const { text, language } = useText();
  const cache = useQueryClient();
  const profiles = useQuery(profilesQuery);
  const leaving = useMutation({
    mutationFn: async () => {
      await cache.cancelQueries({ predicate: isMembersOwn });
      await signOut();
    },
    onSuccess: () => {
      cache.setQueryData(["who"], null);
      cache.removeQueries({ predicate: isMembersOwn });
    },
    onError: () => cache.invalidateQueries({ predicate: isMembersOwn }),
  });
  const profile = profiles.data?.members.find((member) => member.member === who.member);
  const label =
    who.member === null ? text.statement.notMember : named(language, profile) || text.statement.memberNumber(who.member);
  return (
    <div className="who">
      <span className="chip">{text.statement.signedInAs}</span>
      <strong>{label}</strong>
      <Button size="small" onClick={() => leaving.mutate()} loading={leaving.isPending}>
        {text.statement.signOut}
      </Button>
      {leaving.isError && <Failure error={leaving.error} />}
    </div>
  );
}
