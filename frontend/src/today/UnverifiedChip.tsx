/** Says that numbers of the day's rule pack are unverified, and which. */

import type { ReactNode } from "react";
import type { Tariff } from "../api/queries.ts";
import { useText } from "../text/TextProvider.tsx";

/** The unverified numbers' names in the language in use. */
export function useUnverified(tariff: Tariff | undefined): string {
  const { text } = useText();
  const items = tariff?.pack.unverified ?? [];
  return items.map((item) => text.statement.packItems[item] ?? item).join(text.listComma);
}

export function UnverifiedChip({ tariff }: { readonly tariff: Tariff | undefined }): ReactNode {
  const { text } = useText();
  const items = useUnverified(tariff);
  if (tariff === undefined || tariff.pack.verified) return null;
  return (
    <span className="chip warn" title={text.today.unverifiedWhy(items)}>
      {text.today.unverified}
    </span>
  );
}
