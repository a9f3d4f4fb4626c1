/** Step 2 (protocol 11.2, 5): the log's checkpoints are consecutive, only grow, and end in the contract's own state. */

import { toHex } from "../bytes.ts";
import { dayStartMs, DAY_MS, floorDiv, dayText } from "../calendar.ts";
import { type At, hexOf, numberOf } from "../chain/events.ts";
import { eventsOf, type Facts } from "../chain/facts.ts";
import { Diverged, expect, Unread } from "../error.ts";
import { EMPTY_ROOT } from "../format/merkle.ts";
import type { Hex } from "../values.ts";

const CONSECUTIVE = "protocol 5: epochs are anchored one by one";
const GROWS = "protocol 5: the log only grows";
const AFTER = "protocol 5: an epoch is anchored after its end";
const STATE = "protocol 5: the checkpoints end in the contract's state";
const DAY = "protocol 11.2: every epoch of the day is anchored";

/** The log grew by an epoch; `manifest` is the SHA-256 of the epoch's manifest block. */
export interface Checkpoint {
  readonly at: At;
  readonly epoch: number;
  readonly size: number;
  readonly root: Hex;
  readonly manifest: Hex;
}

/** The checkpoints as told, in order. */
export function checkpointsOf(facts: Facts): readonly Checkpoint[] {
  return eventsOf(facts, "Checkpoint").map((event) => ({
    at: event.at, epoch: numberOf(event, "epoch"), size: numberOf(event, "size"), root: hexOf(event, "root"),
    manifest: hexOf(event, "manifest"),
  }));
}

/** The checkpoints in order. Throws Diverged. */
export function checkCheckpoints(facts: Facts): readonly Checkpoint[] {
  const found = checkpointsOf(facts);
  let [epoch, size] = [facts.deployment.startEpoch, 0];
  for (const checkpoint of found) {
    const where = { epoch: epoch + 1 };
    expect(CONSECUTIVE, epoch + 1, checkpoint.epoch, where);
    if (checkpoint.size <= size) {
      throw new Diverged(GROWS, `more than ${size} entries`, `${checkpoint.size} entries`, where);
    }
    const endS = (checkpoint.epoch + 1) * facts.deployment.epochSeconds;
    if (checkpoint.at.timestampS < endS) {
      throw new Diverged(AFTER, `at or after ${endS} s`, `${checkpoint.at.timestampS} s`, where);
    }
    [epoch, size] = [checkpoint.epoch, checkpoint.size];
  }
  checkState(facts, found.at(-1) ?? { epoch, size, root: toHex(EMPTY_ROOT) });
  return found;
}

function checkState(facts: Facts, last: Pick<Checkpoint, "epoch" | "size" | "root">): void {
  const where = { epoch: facts.log.epoch };
  expect(STATE, `epoch ${facts.log.epoch}`, `epoch ${last.epoch}`, where);
  expect(STATE, `${facts.log.size} entries`, `${last.size} entries`, where);
  expect(STATE, facts.log.root, last.root, where);
}

/** The checkpoint at which the log had so many entries, null if it was never anchored at that size. */
export function atSize(checkpoints: readonly Checkpoint[], size: number): Checkpoint | null {
  return checkpoints.find((checkpoint) => checkpoint.size === size) ?? null;
}

/** First and last epoch that hold a day's readings: from the one that ends as the day begins; a later log begins later. */
export function dayEpochs(facts: Facts, day: number): { readonly first: number; readonly last: number } {
  const epochMs = BigInt(facts.deployment.epochSeconds) * 1000n;
  const first = Number(floorDiv(dayStartMs(day), epochMs)) - 1;
  const last = Number(floorDiv(dayStartMs(day) + DAY_MS - 1n, epochMs));
  return { first: Math.max(first, facts.deployment.startEpoch + 1), last };
}

/** Throw Unread while the day's last epoch need not be anchored yet, Diverged when it is overdue. */
export function requireDayClosed(facts: Facts, day: number): void {
  const { first, last } = dayEpochs(facts, day);
  if (last < first) throw new Unread("day", `${dayText(day)} was over before the log began`);
  const { epoch } = facts.log;
  if (epoch >= last) return;
  if (facts.head.timestampS < (last + 2) * facts.deployment.epochSeconds) {
    throw new Unread("day", `${dayText(day)} is not closed yet: epoch ${epoch} of ${last} is anchored`);
  }
  throw new Diverged(DAY, `epoch ${last}`, `epoch ${epoch} is the last`, { epoch: epoch + 1 });
}
