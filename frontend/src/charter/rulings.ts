/** Which decision of the rulebook holds on a day, and which comes next: the newest decision from its day on. */

import type { Charter } from "../api/queries.ts";

export type Ruling = Charter["rulings"][number];

export interface Standing {
  readonly name: string;
  readonly now: Ruling | null;
  readonly next: Ruling | null;
}

/** A name's decision of a day, and the first one to come; a later decision undoes those for its day and after. */
export function standingOf(rulings: readonly Ruling[], name: string, day: string): Standing {
  let kept: readonly Ruling[] = [];
  for (const one of rulings.filter((ruling) => ruling.name === name)) {
    kept = [...kept.filter(({ fromDay }) => fromDay < one.fromDay), one];
  }
  return { name, now: kept.findLast(({ fromDay }) => fromDay <= day) ?? null, next: kept.find(({ fromDay }) => fromDay > day) ?? null };
}
