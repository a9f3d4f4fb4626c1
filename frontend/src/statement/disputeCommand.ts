/** How a line is brought to court: the program's arguments filled in for that line (protocol 8.9.4). */

import type { Line } from "../api/queries.ts";

/** The name under which the page speaks of a member's reader's key file. */
export const KEY_FILE = "my.key";

/** Kinds of lines that rest on a month's readings: no contract judges them (ADR 0009). */
const NOT_JUDGED = new Set(["lease_sla", "lease_handover"]);

export type Disputable =
  | { readonly can: true; readonly leaf: number }
  | { readonly can: false; readonly why: "notJudged" | "notInNewest" | "tooLate" };

/** Whether a line of a day's newest version can be disputed at an instant, UTC ms; `finalAtS` in unix seconds. */
export function disputable(line: Line, newest: number, finalAtS: number | null, nowMs: number): Disputable {
  if (NOT_JUDGED.has(line.kind)) return { can: false, why: "notJudged" };
  if (finalAtS !== null && nowMs >= finalAtS * 1000) return { can: false, why: "tooLate" };
  const posted = line.posted.find(({ version }) => version === newest);
  return posted === undefined ? { can: false, why: "notInNewest" } : { can: true, leaf: posted.leaf };
}

export interface Place {
  readonly day: string;
  readonly leaf: number;
  readonly rpcUrl: string;
  readonly archive: string;
}

/** The command that asks the court; with `wallet` the one that sends the dispute. */
export function disputeCommand({ day, leaf, rpcUrl, archive }: Place, wallet = false): string {
  const asking = `alliance dispute ${day} --leaf ${leaf} --rpc ${rpcUrl} --archive ${archive} --deployment deployment.json --key ${KEY_FILE}`;
  return wallet ? `${asking} --wallet wallet.json` : asking;
}
