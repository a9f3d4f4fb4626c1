/** What the page needs of a wallet: to sign a text, and to send a call. */

import type { Hex, Transport } from "viem";

/** Something that can sign a text as an account. */
export interface TextSigner {
  readonly address: Hex;
  readonly sign: (message: string) => Promise<Hex>;
}

/** A wallet at hand; `transport` reaches its own node. */
export interface Wallet extends TextSigner {
  readonly transport: Transport;
  readonly send: (call: { readonly to: Hex; readonly data: Hex; readonly gas: bigint }) => Promise<Hex>;
}
