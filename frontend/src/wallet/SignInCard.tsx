/** Signing in: with a wallet of the browser, or in the demo with a labelled demo wallet. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { type DemoWallet, demoWalletsQuery, serviceQuery } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { named, useText } from "../text/TextProvider.tsx";
import { APPLICANT_KEY, demoAllowed, demoSigner } from "./demoWallet.ts";
import { DEMO, noteWallet } from "./note.ts";
import { signIn } from "./signIn.ts";
import { type Chosen, WalletList } from "./WalletList.tsx";
import "./wallet.css";

/** `why` says for what the wallet is asked, each in the catalogue. */
export function SignInCard({ why = "statement" }: { readonly why?: "statement" | "leases" | "charter" | "join" | "readers" }): ReactNode {
  const { text } = useText();
  const service = useQuery(serviceQuery);
  const entering = useSignIn();
  const chainId = service.data?.chainId;
  return (
    <section className="card">
      <h2>{text.statement.signIn}</h2>
      <p className="muted">{text.signInFor[why]}</p>
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
    mutationFn: async ({ name, obtain }: Chosen) => {
      await signIn(await obtain());
      noteWallet(name);
    },
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
  readonly choose: (chosen: Chosen) => void;
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
          <DemoButton key={wallet.member} badge={`${wallet.member}`} label={named(language, wallet)} secret={wallet.privateKey} {...{ busy, choose }} />
        ))}
        <DemoButton badge="+" label={text.statement.demoApplicant} secret={APPLICANT_KEY} {...{ busy, choose }} />
      </div>
    </div>
  );
}

function DemoButton({
  badge,
  label,
  secret,
  busy,
  choose,
}: {
  readonly badge: string;
  readonly label: string;
  readonly secret: string;
  readonly busy: boolean;
  readonly choose: (chosen: Chosen) => void;
}): ReactNode {
  const obtain = () => Promise.resolve(demoSigner(secret as `0x${string}`));
  return (
    <button type="button" className="wallet" disabled={busy} onClick={() => choose({ name: DEMO, obtain })}>
      <b className="no">{badge}</b>
      <span>{label}</span>
    </button>
  );
}
