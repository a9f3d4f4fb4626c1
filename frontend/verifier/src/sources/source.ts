/** Archives as a verifier reads them (protocol 4.6): bytes by content address, believed by nobody until they are hashed. */

import type { Hex } from "../values.ts";

/** An archive that may be asked for bytes; what they hash to is for the asker to check. */
export interface Source {
  /** What stands under a block's address, null if nothing does. Throws Unread when the archive does not answer. */
  block(digest: Hex): Promise<Uint8Array | null>;
  /** A reader's grant for an epoch, null if there is none. Throws Unread when the archive does not answer. */
  grant(fingerprint: string, epoch: number): Promise<Uint8Array | null>;
}

/** Let so many tasks run at a time, in the order of asking. */
export class Gate {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(abreast: number) {
    this.free = abreast;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((go) => this.waiting.push(go));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
