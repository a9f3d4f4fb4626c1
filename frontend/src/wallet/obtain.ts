/** The wallet with which a signed-in account acts: the one with which it signed in, found again after a reload. */

import type { DemoWallet } from "../api/queries.ts";
import type { Deployment } from "../evidence/deployment.ts";
import { browserWallet } from "./browserWallet.ts";
import { APPLICANT_KEY, demoAllowed, demoSigner, demoWallet } from "./demoWallet.ts";
import { DEMO, notedWallet } from "./note.ts";
import type { Wallet } from "./wallet.ts";

/** The wallet of the account cannot be reached; `other` is the account that the wallet offers instead. */
export class WalletMissing extends Error {
  readonly wanted: string;
  readonly other: string | null;

  constructor(wanted: string, other: string | null) {
    super(`${wanted} ${other ?? ""}`);
    this.name = "WalletMissing";
    this.wanted = wanted;
    this.other = other;
  }
}

/** The wallet of an account. Throws WalletMissing, or what the wallet throws. */
export async function obtainWallet(address: string, deployment: Deployment, demo: readonly DemoWallet[]): Promise<Wallet> {
  const name = notedWallet();
  const chainId = Number(deployment.chainId);
  const found = name === DEMO ? fromDemo(address, deployment, demo) : name === null ? null : await browserWallet(name, chainId);
  if (found === null || !same(found.address, address)) throw new WalletMissing(address, found?.address ?? null);
  return found;
}

function fromDemo(address: string, { chainId, rpcUrl }: Deployment, demo: readonly DemoWallet[]): Wallet | null {
  if (!demoAllowed(window.location.hostname, Number(chainId)) || rpcUrl === null) return null;
  const secrets = [...demo.map(({ privateKey }) => privateKey as `0x${string}`), APPLICANT_KEY];
  const secret = secrets.find((one) => same(demoSigner(one).address, address));
  return secret === undefined ? null : demoWallet(secret, Number(chainId), rpcUrl);
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
