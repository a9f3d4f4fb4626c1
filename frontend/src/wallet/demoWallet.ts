/** Demo wallets: public test keys, offered on loopback with the demo's chain alone. */

import { createWalletClient, defineChain, type Hex, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { TextSigner, Wallet } from "./wallet.ts";

const DEMO_CHAIN_ID = 31337;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** A key of a development chain that everybody knows (the last one of anvil's and hardhat's own ten): of nobody's member. */
export const APPLICANT_KEY: Hex = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

/** Whether demo wallets may be offered: the page is on this machine and the chain is the development one. */
export function demoAllowed(hostname: string, chainId: number | undefined): boolean {
  return chainId === DEMO_CHAIN_ID && LOOPBACK.includes(hostname);
}

/** A demo wallet as a signer. */
export function demoSigner(privateKey: Hex): TextSigner {
  const account = privateKeyToAccount(privateKey);
  return { address: account.address, sign: (message) => account.signMessage({ message }) };
}

/** A demo wallet that sends its calls to the demo's node. */
export function demoWallet(privateKey: Hex, chainId: number, rpcUrl: string): Wallet {
  const transport = http(rpcUrl, { retryCount: 0 });
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const client = createWalletClient({ account: privateKeyToAccount(privateKey), chain, transport });
  return { ...demoSigner(privateKey), transport, send: (call) => client.sendTransaction(call) };
}
