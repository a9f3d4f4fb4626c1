/** Reading blocks for an audit (protocol 11.3): a block that something names and the archive lacks was withheld. */

import { bytesOf, sha256, toHex } from "../bytes.ts";
import { cidText } from "../cbor.ts";
import { Diverged, Unread, type Where } from "../error.ts";
import type { Source } from "../sources/source.ts";
import type { Hex } from "../values.ts";

/** What bytes hash to, remembered as long as they are held: a campaign reads the same blocks for every case. */
const hashes = new WeakMap<Uint8Array, Hex>();

/** Blocks by digest, each with the place and rule that a missing or altered one is reported under. */
export class Blocks {
  count = 0;
  bytes = 0;
  private readonly coming = new Map<Hex, Promise<Uint8Array | null>>();

  constructor(private readonly source: Source) {}

  /** Ask for blocks that will be needed soon. */
  ahead(digests: Iterable<Hex>): void {
    for (const digest of digests) {
      if (this.coming.has(digest)) continue;
      const block = this.source.block(digest);
      block.catch(() => undefined);
      this.coming.set(digest, block);
    }
  }

  /** The block. Throws Diverged when it was withheld or altered, Unread when the archive does not answer. */
  async get(digest: Hex, rule: string, where: Where): Promise<Uint8Array> {
    const block = await this.take(digest);
    const cid = () => cidText(bytesOf(digest));
    if (block === null) throw new Diverged(`${rule}: withheld`, cid(), "no such block", where);
    const got = hashOf(block);
    if (got !== digest) throw new Altered(`${rule}: altered`, cid(), cidText(bytesOf(got)), where, block);
    this.count += 1;
    this.bytes += block.length;
    return block;
  }

  /** A block for looking ahead: null when it is not there, altered, or cannot be read. */
  async glimpse(digest: Hex): Promise<Uint8Array | null> {
    try {
      this.ahead([digest]);
      const block = await this.coming.get(digest);
      return block && hashOf(block) === digest ? block : null;
    } catch {
      return null;
    }
  }

  /** Refuse to judge an archive that holds none of these blocks: it is not this log's. Throws Unread. */
  async requireAny(digests: readonly Hex[]): Promise<void> {
    for (const digest of digests) {
      this.ahead([digest]);
      if ((await this.coming.get(digest)) !== null) return;
    }
    throw new Unread("archive", "it holds no manifest of this log");
  }

  private take(digest: Hex): Promise<Uint8Array | null> {
    const coming = this.coming.get(digest) ?? this.source.block(digest);
    this.coming.delete(digest);
    return coming;
  }
}

/** A block whose bytes are not those of its address; they are kept, to find what inside was changed. */
export class Altered extends Diverged {
  constructor(rule: string, expected: string, got: string, where: Where, readonly block: Uint8Array) {
    super(rule, expected, got, where);
  }
}

function hashOf(block: Uint8Array): Hex {
  const known = hashes.get(block);
  if (known !== undefined) return known;
  const hash = toHex(sha256(block));
  hashes.set(block, hash);
  return hash;
}
