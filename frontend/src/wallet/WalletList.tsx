/** The browser's wallets, as they announce themselves (EIP-6963). */

import { type ReactNode, useMemo } from "react";
import { type Connector, useConnect, useConnectors, useDisconnect, useSignMessage, WagmiProvider } from "wagmi";
import { useText } from "../text/TextProvider.tsx";
import { walletConfig } from "./config.ts";
import type { TextSigner } from "./wallet.ts";

export interface Chosen {
  readonly name: string;
  readonly obtain: () => Promise<TextSigner>;
}

interface Choice {
  readonly busy: boolean;
  /** Called with a way to obtain the signer, which asks the wallet, and the wallet's name for the next time. */
  readonly choose: (chosen: Chosen) => void;
}

export function WalletList({ chainId, ...choice }: Choice & { readonly chainId: number }): ReactNode {
  const config = useMemo(() => walletConfig(chainId), [chainId]);
  return (
    <WagmiProvider config={config} reconnectOnMount={false}>
      <Announced {...choice} />
    </WagmiProvider>
  );
}

function Announced({ busy, choose }: Choice): ReactNode {
  const { text } = useText();
  const connectors = useConnectors();
  const obtain = useSigner();
  if (connectors.length === 0) return <p className="muted">{text.statement.noWallets}</p>;
  return (
    <div className="wallets">
      {connectors.map((connector) => (
        <button key={connector.uid} type="button" className="wallet" disabled={busy} onClick={() => choose({ name: connector.id, obtain: () => obtain(connector) })}>
          {connector.icon !== undefined && <img src={connector.icon.trim()} alt="" width="28" height="28" />}
          <span>{connector.name}</span>
        </button>
      ))}
    </div>
  );
}

function useSigner(): (connector: Connector) => Promise<TextSigner> {
  const { mutateAsync: connect } = useConnect();
  const { mutateAsync: disconnect } = useDisconnect();
  const { mutateAsync: signMessage } = useSignMessage();
  return async (connector) => {
    const { accounts } = await connect({ connector });
    const [address] = accounts;
    if (address === undefined) throw new Error("no account");
    return {
      address,
      sign: async (message) => {
        const signature = await signMessage({ message, account: address, connector });
        await disconnect({ connector });
        return signature;
      },
    };
  };
}
