/** wagmi's configuration: wallets that announce themselves by EIP-6963, on the deployment's chain; nothing is stored. */

import { defineChain } from "viem";
import { createConfig, type CreateConnectorFn, http } from "wagmi";

type WalletConfig = ReturnType<typeof makeConfig>;

const made = new Map<number, WalletConfig>();

/** The configuration for one chain; the same one each time, so that a wallet once connected stays so. */
export function walletConfig(chainId: number): WalletConfig {
  const known = made.get(chainId) ?? makeConfig(chainId);
  made.set(chainId, known);
  return known;
}

function makeConfig(chainId: number) {
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  const none: CreateConnectorFn[] = [];
  return createConfig({
    chains: [chain],
    connectors: none,
    multiInjectedProviderDiscovery: true,
    storage: null,
    transports: { [chainId]: http() },
  });
}
