/** What members and stations are called, in the language in use; their numbers where nobody named them. */

import { useQuery } from "@tanstack/react-query";
import { profilesQuery } from "../api/queries.ts";
import { named, useText } from "../text/TextProvider.tsx";

export interface Names {
  readonly member: (number: number) => string;
  readonly station: (number: number) => string;
}

export function useNames(): Names {
  const { text, language } = useText();
  const { data } = useQuery(profilesQuery);
  return {
    member: (number) => named(language, data?.members.find((one) => one.member === number)) || text.statement.memberNumber(number),
    station: (number) => named(language, data?.stations.find((one) => one.station === number)) || `${text.station.title} ${number}`,
  };
}
