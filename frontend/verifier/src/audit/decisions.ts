/** A day that the court has judged (protocol 8.9.4, 8.9.5): a void statement is none; a leaf that was set right is right. */

import { bigOf, type ChainEvent, numberOf } from "../chain/events.ts";
import { eventsOf, type Facts } from "../chain/facts.ts";
import { assemble, type Line, lineIdentity, type Statement } from "../settlement/statement.ts";

/** The last of a day's void versions, 0 if none is. */
export function voidUpTo(facts: Facts, day: number): number {
  const voided = eventsOf(facts, "StatementVoided").filter((event) => numberOf(event, "day") === day);
  return Math.max(0, ...voided.map((event) => numberOf(event, "upTo")));
}

/** What the court decided of the versions that stand, in order. */
export function decidedOf(facts: Facts, day: number): readonly ChainEvent[] {
  const last = voidUpTo(facts, day);
  return eventsOf(facts, "DisputeUpheld").filter((event) => numberOf(event, "day") === day && numberOf(event, "version") > last);
}

/** The day as it stands once decisions have moved cents on its lines. */
export function asJudged(
  whole: Statement,
  decisions: readonly ChainEvent[],
  versions: ReadonlyMap<number, Statement>,
): Statement {
  const moved = new Map<string, bigint>();
  for (const event of decisions) {
    const line = lineAtLeaf(versions.get(numberOf(event, "version")), numberOf(event, "index"));
    if (line === null) continue;
    const identity = lineIdentity(line);
    moved.set(identity, (moved.get(identity) ?? 0n) + bigOf(event, "movedCents"));
  }
  if (![...moved.values()].some((cents) => cents !== 0n)) return whole;
  const lines = whole.lines.map((line) => ({ ...line, amountCents: line.amountCents + (moved.get(lineIdentity(line)) ?? 0n) }));
  return assemble(whole.heading, { ...whole, lines });
}

/** The line that is the leaf of an index, null if that leaf is no line. */
function lineAtLeaf(statement: Statement | undefined, index: number): Line | null {
  if (statement === undefined) return null;
  return statement.lines[index - statement.quantities.length - statement.slotTotals.length] ?? null;
}
