/** What a proposal would do, in a sentence. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { membersQuery } from "../api/queries.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { ppm, share } from "../units/quantity.ts";
import type { Meaning } from "./meaning.ts";

export function MeaningLine({ meaning }: { readonly meaning: Meaning }): ReactNode {
  const { text } = useText();
  const { charter: words } = text;
  const who = useWho();
  switch (meaning.kind) {
    case "fee":
      return words.calls.fee(share(meaning.value, 2), meaning.day);
    case "loss":
      return words.calls.loss(ppm(meaning.value), meaning.day);
    case "tariff":
    case "groups":
      return words.calls[meaning.kind](shortHex(meaning.hash), meaning.day);
    case "mechanism":
      return words.calls.mechanism(text.station.types[meaning.type] ?? meaning.type, meaning.day);
    case "unknown":
      return words.raw;
    default:
      return words.calls[meaning.kind](who(meaning.account));
  }
}

/** A member's name behind an account; the account itself of a stranger. */
function useWho(): (account: string) => string {
  const names = useNames();
  const members = useQuery(membersQuery);
  return (account) => {
    const known = members.data?.find(({ address }) => address === account.toLowerCase());
    return known === undefined ? shortHex(account) : names.member(known.member);
  };
}

/** Enough of a hash or account to know it again. */
export function shortHex(hex: string): string {
  return `${hex.slice(0, 10)}…${hex.slice(-6)}`;
}
