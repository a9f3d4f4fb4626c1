/** Demo wallets: public test keys, offered on loopback with the demo's chain alone. */

import { privateKeyToAccount } from "viem/accounts";
import type { DemoWallet } from "../api/queries.ts";
import type { TextSigner } from "./signIn.ts";

const DEMO_CHAIN_ID = 31337;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** Whether demo wallets may be offered: the page is on this machine and the chain is the development one. */
export function demoAllowed(hostname: string, chainId: number | undefined): boolean {
  return chainId === DEMO_CHAIN_ID && LOOPBACK.includes(hostname);
}

/** A demo wallet as a signer. */
export function demoSigner(wallet: DemoWallet): TextSigner {
  const account = privateKeyToAccount(wallet.privateKey as `0x${string}`);
  return { address: account.address, sign: (message) => account.signMessage({ message }) };
}
