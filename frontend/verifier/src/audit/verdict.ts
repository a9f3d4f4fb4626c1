/** The verdict of an audit as JSON (protocol 11.3), the same as the first verifier's: pass, fail at one named place, or not read. */

import { dayText } from "../calendar.ts";
import { Diverged, RuleError, Unread } from "../error.ts";
import type { Hex } from "../values.ts";

/** How much was checked. */
export interface Counts {
  readonly epochs: number;
  readonly segments: number;
  readonly readings: number;
  readonly lines: number;
  readonly blocks: number;
  readonly bytes: number;
}

/** One fact that is not what the rules make it. */
export interface DivergencePlain {
  readonly station: number | null;
  readonly device: string | null;
  readonly channel: number | null;
  readonly seq: number | string | null;
  readonly epoch: number | null;
  readonly slot: number | null;
  readonly rule: string;
  readonly expected: string;
  readonly got: string;
}

export type Outcome = "pass" | "fail" | "unread";

/** What an audit of a day says. */
export interface Verdict {
  readonly verdict: Outcome;
  readonly day: string;
  readonly chainId: number | null;
  readonly block: number | null;
  readonly blockHash: Hex | null;
  readonly divergence: DivergencePlain | null;
  readonly unread: { readonly what: string; readonly why: string } | null;
  readonly counts: Counts;
}

export const NOTHING_COUNTED: Counts = { epochs: 0, segments: 0, readings: 0, lines: 0, blocks: 0, bytes: 0 };

/** What became of an audit: how it ended, up to which block the chain was read, and how much was checked. */
export function verdictOf(
  day: number,
  ended: unknown,
  read: {
    readonly chainId: bigint | null;
    readonly head: { readonly number: number; readonly hash: Hex } | null;
    readonly counts: Counts;
  },
): Verdict {
  const unread = unreadOf(ended);
  return {
    verdict: ended === null ? "pass" : ended instanceof Diverged ? "fail" : "unread",
    day: dayText(day),
    chainId: read.chainId === null ? null : Number(read.chainId),
    block: read.head?.number ?? null,
    blockHash: read.head?.hash ?? null,
    divergence: ended instanceof Diverged ? divergencePlain(ended) : null,
    unread,
    counts: read.counts,
  };
}

/** What could not be read; null when that is not how an audit ended. Rethrows what no verdict covers. */
export function unreadOf(ended: unknown): Verdict["unread"] {
  if (ended === null || ended instanceof Diverged) return null;
  if (ended instanceof Unread) return { what: ended.what, why: ended.why };
  if (ended instanceof RuleError) return { what: ended.code, why: ended.message };
  throw ended;
}

/** A divergence as JSON values. */
export function divergencePlain({ rule, expected, got, where }: Diverged): DivergencePlain {
  return {
    station: where.station ?? null, device: where.device ?? null, channel: where.channel ?? null,
    seq: seqPlain(where.seq ?? null), epoch: where.epoch ?? null, slot: where.slot ?? null, rule, expected, got,
  };
}

/** A sequence number as a JSON number as long as JSON's readers keep it exact. */
function seqPlain(seq: number | bigint | null): number | string | null {
  if (seq === null) return null;
  return Number.isSafeInteger(Number(seq)) ? Number(seq) : `${seq}`;
}
