/** Manifests (protocol 4.3): what an epoch holds, with a row for every registered channel, the silent ones included. */

import { decode, type Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields } from "../fields.ts";
import { type Hex, ZERO_DIGEST } from "../values.ts";
import { nextSeq, type SignedSegment } from "./segment.ts";

const VERSION = 1n;
const U64_MAX = (1n << 64n) - 1n;
export const STATUSES = ["live", "late", "gap", "silent", "frozen"] as const;
export type RowStatus = (typeof STATUSES)[number];

/** One channel in one epoch; `firstSeq` and `lastSeq` are null without readings, `evidence` without segments. */
export interface Row {
  readonly device: Hex;
  readonly channel: number;
  readonly firstSeq: bigint | null;
  readonly lastSeq: bigint | null;
  readonly head: Hex;
  readonly evidence: Hex | null;
  readonly status: RowStatus;
}

/** All of one epoch; its block's SHA-256 is what the chain records. */
export interface Manifest {
  readonly log: Hex;
  readonly epoch: bigint;
  readonly prev: Hex;
  readonly size: bigint;
  readonly root: Hex;
  readonly asOfBlock: bigint;
  readonly asOfHash: Hex;
  readonly entries: Hex;
  readonly rows: readonly Row[];
}

/** Read a manifest. Throws not_canonical, plain_malformed or manifest_version_unknown. */
export function decodeManifest(block: Uint8Array): Manifest {
  const fields = new Fields(decode(block), "manifest");
  const version = fields.int("v");
  if (version !== VERSION) throw new RuleError("manifest_version_unknown", { version });
  const asOf = fields.map("asOf");
  const manifest: Manifest = {
    log: fields.hex("log", 32),
    epoch: fields.int("epoch"),
    prev: fields.optional("prev") ? fields.cid("prev") : ZERO_DIGEST,
    size: fields.int("size"),
    root: fields.hex("root", 32),
    asOfBlock: asOf.int("block"),
    asOfHash: asOf.hex("hash", 32),
    entries: fields.cid("entries"),
    rows: fields.list("rows").map(rowOf),
  };
  asOf.finish();
  fields.finish();
  return manifest;
}

function rowOf(value: Plain): Row {
  const fields = new Fields(value, "manifest.row");
  const row: Row = {
    device: fields.hex("device", 20),
    channel: fields.small("channel", 0, 0xffff),
    firstSeq: fields.optional("firstSeq") ? fields.int("firstSeq", 0n, U64_MAX) : null,
    lastSeq: fields.optional("lastSeq") ? fields.int("lastSeq", 0n, U64_MAX) : null,
    head: fields.hex("head", 32),
    evidence: fields.optional("evidence") ? fields.cid("evidence") : null,
    status: fields.choice("status", STATUSES),
  };
  fields.finish();
  return row;
}

/** What segments (chain order, this epoch's) make of a row; `head` is the stream's head before them. */
export function rowFacts(
  segments: readonly SignedSegment[],
  { head, epochStartMs, frozen }: { readonly head: Hex; readonly epochStartMs: bigint; readonly frozen: boolean },
): Pick<Row, "firstSeq" | "lastSeq" | "head" | "status"> {
  const full = segments.map(({ segment }) => segment).filter((segment) => segment.count > 0);
  const [first, last] = [full[0], full.at(-1)];
  const late = full.some((segment) => segment.tFirst < epochStartMs);
  const quiet = segments.length ? "gap" : "silent";
  return {
    firstSeq: first ? first.firstSeq : null,
    lastSeq: last ? nextSeq(last) - 1n : null,
    head: segments.at(-1)?.digest ?? head,
    status: frozen ? "frozen" : !full.length ? quiet : late ? "late" : "live",
  };
}
