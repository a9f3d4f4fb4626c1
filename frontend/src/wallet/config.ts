/** wagmi's configuration: wallets that announce themselves by EIP-6963, on the deployment's chain; nothing is stored. */

import { defineChain } from "viem";
import { createConfig, http } from "wagmi";

/** A configuration for one chain. */
export function walletConfig(chainId: number) {
  const chain = defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  return createConfig({
    chains: [chain],
    connectors: [],
    multiInjectedProviderDiscovery: true,
    storage: null,
    transports: { [chainId]: http() },
  });
}
