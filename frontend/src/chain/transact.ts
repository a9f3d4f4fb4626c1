/** A member's transaction: asked of the chain first, sent by the wallet, followed until it is mined or refused. */

import { createPublicClient, type Hex, http, type PublicClient } from "viem";
import type { Deployment } from "../evidence/deployment.ts";
import type { Wallet } from "../wallet/wallet.ts";
import type { Call } from "./call.ts";
import { refusalIn } from "./refusal.ts";

const POLL_MS = 1_000;
/** Wallets wait as long as their owner does; a block may take minutes. */
const PATIENCE_MS = 15 * 60_000;
const SPARE_GAS_PERCENT = 125n;

/** What a transaction came to. */
export interface Mined {
  readonly hash: Hex;
  readonly block: bigint;
}

/** A node to ask: the deployment's, else the wallet's own. */
export function nodeOf(deployment: Deployment, wallet: Wallet): PublicClient {
  const transport = deployment.rpcUrl === null ? wallet.transport : http(deployment.rpcUrl, { retryCount: 1 });
  return createPublicClient({ transport, pollingInterval: POLL_MS, cacheTime: 0 });
}

/** Make a call. Throws ContractRefusal (nothing was sent, or it was mined and refused), or what wallet or node throw. */
export async function transact(call: Call, deployment: Deployment, wallet: Wallet, sent: (hash: Hex) => void): Promise<Mined> {
  const node = nodeOf(deployment, wallet);
  const request = { account: wallet.address, to: deployment.contracts[call.contract].address, data: call.data } as const;
  const gas = await asked(() => node.call(request).then(() => node.estimateGas(request)));
  const hash = await wallet.send({ to: request.to, data: request.data, gas: (gas * SPARE_GAS_PERCENT) / 100n });
  sent(hash);
  const receipt = await node.waitForTransactionReceipt({ hash, pollingInterval: POLL_MS, timeout: PATIENCE_MS });
  if (receipt.status === "reverted") {
    await asked(() => node.call({ ...request, blockNumber: receipt.blockNumber - 1n }));
    throw new Error(hash);
  }
  return { hash, block: receipt.blockNumber };
}

/** What the node answers; a revert becomes the contract's own refusal. */
async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw refusalIn(error) ?? error;
  }
}
