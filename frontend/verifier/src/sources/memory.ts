/** Blocks that were read into memory before: from a chosen folder, a CAR file, or a campaign's base archive. */

import { bytesOf, toHex } from "../bytes.ts";
import { Cid, cidText, decode, digestOfCid } from "../cbor.ts";
import { Unread } from "../error.ts";
import { isList } from "../fields.ts";
import type { Hex } from "../values.ts";
import type { Source } from "./source.ts";

const BLOCK_FILE = /^(b[a-z2-7]{58})\.block$/;
const GRANT_FILE = /(?:^|\/)grants\/([0-9a-f]{20})\/(\d+)\.grant$/;

/** Blocks and grants by name. */
export interface Held {
  readonly blocks: ReadonlyMap<Hex, () => Promise<Uint8Array>>;
  readonly grants: ReadonlyMap<string, () => Promise<Uint8Array>>;
}

/** An archive that is held. Throws Unread when it holds no block at all. */
export function heldSource({ blocks, grants }: Held): Source {
  if (blocks.size === 0) throw new Unread("archive", "no blocks in it");
  return {
    block: async (digest) => {
      const read = blocks.get(digest);
      return read === undefined ? null : reading(read, `block ${cidText(bytesOf(digest))}`);
    },
    grant: async (fingerprint, epoch) => {
      const read = grants.get(`${fingerprint}/${epoch}`);
      return read === undefined ? null : reading(read, "grants");
    },
  };
}

/** The digest that a file of an archive's folder holds by its name, null for another file. */
export function blockNamed(fileName: string): Hex | null {
  const named = BLOCK_FILE.exec(fileName);
  const digest = named?.[1] === undefined ? null : digestOfCid(named[1]);
  return digest === null ? null : toHex(digest);
}

/** The `fingerprint/epoch` of a grant file by its path, null for another file. */
export function grantNamed(path: string): string | null {
  const named = GRANT_FILE.exec(path);
  return named === null ? null : `${named[1]}/${Number(named[2])}`;
}

/** The blocks of a CAR file (version 1): raw bytes by the digest that each is filed under. Throws Unread. */
export function carBlocks(car: Uint8Array): ReadonlyMap<Hex, Uint8Array> {
  const malformed = (why: string) => new Unread("archive", `not a CAR file of version 1: ${why}`);
  const blocks = new Map<Hex, Uint8Array>();
  let at = 0;
  const section = (): Uint8Array => {
    const [size, body] = varint(car, at);
    if (size < 0 || body + size > car.length) throw malformed(`a section at byte ${at} ends early`);
    at = body + size;
    return car.subarray(body, at);
  };
  checkCarHeader(section(), malformed);
  while (at < car.length) {
    const piece = section();
    if (piece.length < 36 || !startsAsCid(piece)) throw malformed("a block's CID is not dag-cbor SHA-256");
    blocks.set(toHex(piece.subarray(4, 36)), piece.subarray(36));
  }
  return blocks;
}

function startsAsCid(piece: Uint8Array): boolean {
  return toHex(piece.subarray(0, 4)) === "0x01711220";
}

function checkCarHeader(raw: Uint8Array, malformed: (why: string) => Unread): void {
  let header: unknown;
  try {
    header = decode(raw);
  } catch {
    throw malformed("its header is not DAG-CBOR");
  }
  const roots = header instanceof Map ? header.get("roots") : null;
  if (!(header instanceof Map) || header.get("version") !== 1 || !isList(roots) || !roots.every((root) => root instanceof Cid)) {
    throw malformed("its header names no version 1 and roots");
  }
}

function varint(raw: Uint8Array, from: number): readonly [number, number] {
  let [value, scale, at] = [0, 1, from];
  for (;;) {
    const byte = raw[at];
    if (byte === undefined || scale > 2 ** 42) return [-1, at];
    value += (byte & 0x7f) * scale;
    scale *= 128;
    at += 1;
    if (byte < 0x80) return [value, at];
  }
}

async function reading(read: () => Promise<Uint8Array>, what: string): Promise<Uint8Array> {
  try {
    return await read();
  } catch (error) {
    throw new Unread(what, error instanceof Error ? error.message : String(error));
  }
}
