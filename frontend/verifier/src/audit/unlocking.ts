/** Which encrypted blocks open for the reader, and which stay unread (protocol 4.8, 11.3): what does not open accuses nobody. */

import { RuleError, Unread } from "../error.ts";
import { isEncrypted } from "../format/documentBlock.ts";
import type { Opener } from "../format/encryption.ts";
import type { Hex } from "../values.ts";

/** Content keys for an audit; blocks that no key opens are counted, with the first reason. */
export class Unlocking {
  private readonly closed = new Set<Hex>();
  private reason: string | null = null;

  constructor(private readonly opener: Opener | null) {}

  /** How many blocks stayed unread. */
  get unread(): number {
    return this.closed.size;
  }

  /** A block's content key; null, and the block is unread, when none is granted or the grant does not open. */
  keyOf(block: Hex, epoch: number): Promise<Uint8Array | null> {
    return this.keyIn(block, [epoch]);
  }

  /** A block's content key out of the first of some epochs' grants that has it. */
  async keyIn(block: Hex, epochs: readonly number[]): Promise<Uint8Array | null> {
    try {
      const key = this.opener === null ? null : await this.opener.keyIn(block, epochs);
      if (key !== null) return key;
      this.close(block, this.opener === null ? null : `no grant for reader ${this.opener.reader.fingerprint}`);
    } catch (error) {
      if (!(error instanceof RuleError || error instanceof Unread)) throw error;
      this.close(block, error.message);
    }
    return null;
  }

  /** A document's content as `open` reads it with its key, null when it stays unread. Throws what `open` throws. */
  async document<T>(
    block: Uint8Array,
    digest: Hex,
    epochs: readonly number[],
    open: (contentKey: Uint8Array | null) => T,
  ): Promise<{ readonly value: T } | null> {
    const key = isEncrypted(block) ? await this.keyIn(digest, epochs) : null;
    if (key === null && this.closed.has(digest)) return null;
    try {
      return { value: open(key) };
    } catch (error) {
      if (!this.forgives(digest, error)) throw error;
      return null;
    }
  }

  /** Whether an error means that a block stays unread: its content key does not fit. */
  forgives(block: Hex, error: unknown): boolean {
    const closed = error instanceof Error && /\(?(?:content_key_wrong|key_missing)\b/.test(error.message);
    if (closed) this.close(block, error.message);
    return closed;
  }

  /** What to say of the blocks that stayed unread. Throws Unread if there are any. */
  requireAll(): void {
    if (!this.closed.size) return;
    const why = `public part passes, ${this.closed.size} blocks unread`;
    throw new Unread("blocks", this.reason === null ? why : `${why}; ${this.reason}`);
  }

  private close(block: Hex, reason: string | null): void {
    this.closed.add(block);
    this.reason ??= reason;
  }
}
