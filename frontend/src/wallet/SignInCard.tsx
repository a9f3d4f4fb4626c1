/** Signing in: with a wallet of the browser, or in the demo with a labelled demo wallet. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { type DemoWallet, demoWalletsQuery, serviceQuery } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { named, useText } from "../text/TextProvider.tsx";
import { demoAllowed, demoSigner } from "./demoWallet.ts";
import { signIn, type TextSigner } from "./signIn.ts";
import { WalletList } from "./WalletList.tsx";
import "./wallet.css";

export function SignInCard(): ReactNode {
  const { text } = useText();
  const service = useQuery(serviceQuery);
  const entering = useSignIn();
  const chainId = service.data?.chainId;
  return (
    <section className="card">
      <h2>{text.statement.signIn}</h2>
      <p className="muted">{text.statement.signInWhy}</p>
      <h3>{text.statement.wallets}</h3>
      {chainId !== undefined && <WalletList chainId={chainId} busy={entering.isPending} choose={entering.mutate} />}
      {demoAllowed(window.location.hostname, chainId) && <DemoWallets busy={entering.isPending} choose={entering.mutate} />}
      {entering.isPending && <p role="status">{text.statement.signing}</p>}
      {entering.isError && <SignInFailure error={entering.error} />}
    </section>
  );
}

function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (obtain: () => Promise<TextSigner>) => signIn(await obtain()),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["who"] }),
  });
}

function SignInFailure({ error }: { readonly error: Error }): ReactNode {
  const { text } = useText();
  if (error instanceof Problem) return <Failure error={error} />;
  return (
    <div className="notice" role="alert">
      <strong>{text.statement.rejected}</strong>
      <span>{error.message.split("\n")[0]}</span>
    </div>
  );
}

function DemoWallets({
  busy,
  choose,
}: {
  readonly busy: boolean;
  readonly choose: (obtain: () => Promise<TextSigner>) => void;
}): ReactNode {
  const { text, language } = useText();
  const wallets = useQuery(demoWalletsQuery);
  if (wallets.data === undefined || wallets.data.length === 0) return null;
  return (
    <div className="demo-wallets">
      <h3>
        {text.statement.demoWallets} <span className="chip warn">{text.demo}</span>
      </h3>
      <p className="muted">{text.statement.demoWhy}</p>
      <div className="wallets">
        {wallets.data.map((wallet: DemoWallet) => (
          <button
            key={wallet.member}
            type="button"
            className="wallet"
            disabled={busy}
            onClick={() => choose(() => Promise.resolve(demoSigner(wallet)))}
          >
            <b className="no">{wallet.member}</b>
            <span>{named(language, wallet)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
