/** A wallet of the browser (EIP-6963) that sends calls: found again by the name with which it announces itself. */

import { createWalletClient, custom, type EIP1193Provider } from "viem";
import { connect, signMessage } from "wagmi/actions";
import { walletConfig } from "./config.ts";
import type { Wallet } from "./wallet.ts";

/** The announced wallet of an id, connected; null when the browser has no such wallet now. Throws what the wallet throws. */
export async function browserWallet(id: string, chainId: number): Promise<Wallet | null> {
  const config = walletConfig(chainId);
  const connector = config.connectors.find((one) => one.id === id);
  if (connector === undefined) return null;
  const known = config.state.connections.get(connector.uid);
  const { accounts } = known ?? (await connect(config, { connector, chainId }));
  const [address] = accounts;
  if (address === undefined) return null;
  const transport = custom((await connector.getProvider({ chainId })) as EIP1193Provider);
  const client = createWalletClient({ account: address, transport });
  return {
    address,
    transport,
    sign: (message) => signMessage(config, { message, account: address, connector }),
    send: (call) => client.sendTransaction({ ...call, chain: null }),
  };
}
