/** A member's lines: signed from the member's side, grouped by kind, exact to the cent. */

import type { Line } from "../api/queries.ts";
import { sumCents } from "../units/money.ts";

export const DAY_SLOT = 96;

/** A line as the member sees it: what it receives is positive. */
export interface OwnLine {
  readonly line: Line;
  readonly amountCents: bigint;
  readonly quantityWh: number;
  readonly other: string;
  readonly received: boolean;
}

export interface KindGroup {
  readonly kind: string;
  readonly amountCents: bigint;
  readonly quantityWh: number;
  readonly lines: readonly OwnLine[];
}

/** The lines seen from an account; a line of which it is the counterparty changes sign. */
export function ownLines(lines: readonly Line[], account: string): readonly OwnLine[] {
  return lines
    .filter((line) => line.account === account || line.counterparty === account)
    .map((line) => {
      const received = line.account === account;
      return {
        line,
        amountCents: received ? BigInt(line.amountCents) : -BigInt(line.amountCents),
        quantityWh: received ? line.quantityWh : -line.quantityWh,
        received,
        other: received ? line.counterparty : line.account,
      };
    });
}

/** Groups by kind, in the order in which kinds first come. */
export function byKind(lines: readonly OwnLine[]): readonly KindGroup[] {
  const groups = new Map<string, OwnLine[]>();
  for (const own of lines) groups.set(own.line.kind, [...(groups.get(own.line.kind) ?? []), own]);
  return [...groups].map(([kind, own]) => ({
    kind,
    amountCents: sumCents(own.map((one) => one.amountCents)),
    quantityWh: own.reduce((sum, one) => sum + one.quantityWh, 0),
    lines: own,
  }));
}

/** Mean price of a group in cents per MWh; null where no price makes the amount, or where energy went both ways. */
export function meanPrice({ amountCents, quantityWh, lines }: KindGroup): number | null {
  const bothWays = lines.some((own) => own.quantityWh > 0) && lines.some((own) => own.quantityWh < 0);
  if (quantityWh === 0 || bothWays || lines.every((own) => own.line.priceCentsPerMwh === 0)) return null;
  return Number((amountCents * 1_000_000n) / BigInt(quantityWh));
}
