/** The verifier's core for Node: a line of JSON a case in, a line of JSON a verdict out; a base archive's blocks are read once. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { auditDay } from "./audit/auditor.ts";
import { FINALITY_BLOCKS, type ReceiptVerdict, receiptVerdict } from "./audit/receipt.ts";
import { NOTHING_COUNTED, unreadOf, verdictOf } from "./audit/verdict.ts";
import { dayOf } from "./calendar.ts";
import { Diverged, Unread } from "./error.ts";
import { bytesOf, toHex } from "./bytes.ts";
import { cidText, digestOfCid } from "./cbor.ts";
import { Rpc } from "./chain/rpc.ts";
import { parseDeployment } from "./format/deployment.ts";
import { Opener, readerOf } from "./format/encryption.ts";
import { plainOf } from "./format/json.ts";
import { gatewaySource } from "./sources/gateway.ts";
import type { Source } from "./sources/source.ts";
import type { Hex } from "./values.ts";

/**
 * One case; `deployment` is the file's JSON, its text, or a path. `folder` holds every block that is not in `changed`;
 * those are asked of the archive, or stand in `blocks`, in base64, by CID: null is withheld. `grants`, by epoch, take the
 * place of the folder's; without them the archive is asked.
 */
export interface Case {
  readonly id: string;
  readonly rpc: string;
  readonly archive: string;
  readonly deployment: unknown;
  readonly day: string;
  /** A receipt's JSON: then it alone is verified, and neither archive nor day is needed. */
  readonly receipt?: unknown;
  readonly depth?: number;
  /** A key file's path, or its 64 hex digits. */
  readonly key?: string | null;
  readonly folder?: string;
  readonly changed?: readonly string[];
  readonly blocks?: Readonly<Record<string, string | null>>;
  readonly grants?: Readonly<Record<string, string | null>>;
}

/** Bytes that were read from files, with what the file looked like then: what is decoded of them is kept as long as they are. */
const files = new Map<string, { readonly stamp: string; readonly bytes: Uint8Array }>();

/** Audit one case; its verdict with the case's id. */
export async function auditCase(one: Case): Promise<Readonly<Record<string, unknown>>> {
  const started = performance.now();
  const verdict = await (one.receipt === undefined ? verdictOn(one) : receiptOn(one));
  return { id: one.id, ...verdict, ms: Math.round(performance.now() - started) };
}

async function receiptOn(one: Case): Promise<ReceiptVerdict> {
  const [deployment, receipt] = [parseDeployment(textOf(one.deployment)), plainOf(one.receipt, "receipt")];
  const [rpc, depth] = [new Rpc(one.rpc), one.depth ?? FINALITY_BLOCKS];
  return receiptVerdict({ receipt, rpc, deployment, depth, progress: () => undefined });
}

async function verdictOn(one: Case) {
  const day = dayOf(one.day);
  try {
    const deployment = parseDeployment(textOf(one.deployment));
    const archive = archiveOf(one);
    const opener = one.key ? new Opener(readerOf(textOf(one.key)), archive.grant) : null;
    const progress = () => undefined;
    return await auditDay({ rpc: new Rpc(one.rpc), archive, deployment, day, depth: one.depth ?? 0, opener, progress });
  } catch (error) {
    if (error instanceof Diverged || error instanceof Unread || unreadOf(error)) {
      return verdictOf(day, error, { chainId: null, head: null, counts: NOTHING_COUNTED });
    }
    throw error;
  }
}

function archiveOf({ archive, folder, changed, blocks, grants }: Case): Source {
  const remote = /^https?:\/\//.test(archive) ? gatewaySource(archive) : folderSource(archive);
  if (folder === undefined) return remote;
  const base = folderSource(folder, "base");
  const apart = new Set((changed ?? []).map(digestNamed));
  const given = new Map(Object.entries(blocks ?? {}).map(([cid, text]) => [digestNamed(cid), text === null ? null : bytesIn(text)]));
  return {
    block: async (digest) => {
      const here = given.get(digest);
      if (here !== undefined) return here;
      return apart.has(digest) ? remote.block(digest) : ((await base.block(digest)) ?? remote.block(digest));
    },
    grant: async (fingerprint, epoch) => {
      if (grants === undefined) return remote.grant(fingerprint, epoch);
      const here = grants[`${epoch}`];
      if (here === undefined) return base.grant(fingerprint, epoch);
      return here === null ? null : bytesIn(here);
    },
  };
}

function digestNamed(cid: string): Hex {
  return toHex(digestOfCid(cid) ?? new Uint8Array());
}

function bytesIn(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** A folder's blocks; those of a base folder never change, so that they are looked at once. */
function folderSource(folder: string, kind: "base" | "living" = "living"): Source {
  if (!existsSync(folder)) throw new Unread("archive", `no folder ${folder}`);
  return {
    block: async (digest) => {
      const cid = cidText(bytesOf(digest));
      return held(join(folder, cid.slice(-3, -1), `${cid}.block`), kind);
    },
    grant: async (fingerprint, epoch) => held(join(folder, "grants", fingerprint, `${epoch}.grant`), kind),
  };
}

function held(path: string, kind: "base" | "living"): Uint8Array | null {
  const known = files.get(path);
  if (known && kind === "base") return known.bytes;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  const stamp = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
  if (known?.stamp === stamp) return known.bytes;
  const bytes = new Uint8Array(readFileSync(path));
  files.set(path, { stamp, bytes });
  return bytes;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return existsSync(value) ? readFileSync(value, "utf-8") : value;
}

/** Read cases from standard input until it ends. */
export async function serveLines(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim()) process.stdout.write(`${JSON.stringify(await auditCase(JSON.parse(line) as Case))}\n`);
  }
}
