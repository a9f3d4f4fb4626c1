/** One action of a member on chain: wallet, transaction, and what came of it; afterwards all lists are asked anew. */

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { demoWalletsQuery, deploymentQuery, whoQuery } from "../api/queries.ts";
import { ownDeployment } from "../audit/usePinned.ts";
import type { Call } from "../chain/call.ts";
import { type Mined, transact } from "../chain/transact.ts";
import { type Deployment, parseDeployment } from "../evidence/deployment.ts";
import { obtainWallet } from "../wallet/obtain.ts";
import type { Wallet } from "../wallet/wallet.ts";

/** The service follows the chain by itself: it is asked at these times after a block, ms. */
const ASK_AGAIN_MS = [0, 3_000, 10_000, 30_000, 70_000];
const OF_THE_CHAIN = ["leases", "offers", "members", "applications", "proposals", "charter", "who", "leasable"];

export interface Act {
  readonly run: (call: Call, before?: () => Promise<void>) => void;
  readonly state: "idle" | "wallet" | "sent" | "done" | "failed";
  readonly sent: string | null;
  readonly mined: Mined | null;
  readonly error: Error | null;
  readonly reset: () => void;
}

/** An action of the signed-in account; `before` runs ahead of it, and if it fails nothing is sent. */
export function useAct(): Act {
  const cache = useQueryClient();
  const [sent, setSent] = useState<string | null>(null);
  const acting = useMutation({
    mutationFn: async ({ call, before }: { readonly call: Call; readonly before: (() => Promise<void>) | undefined }) => {
      setSent(null);
      const { deployment, wallet } = await prepared(cache);
      await before?.();
      return transact(call, deployment, wallet, setSent);
    },
    onSuccess: () => {
      const again = () => cache.invalidateQueries({ predicate: ({ queryKey }) => OF_THE_CHAIN.includes(String(queryKey[0])) });
      for (const ms of ASK_AGAIN_MS) window.setTimeout(() => void again(), ms);
    },
  });
  const state = acting.isPending ? (sent === null ? "wallet" : "sent") : acting.isSuccess ? "done" : acting.isError ? "failed" : "idle";
  return {
    run: (call, before) => acting.mutate({ call, before }),
    state,
    sent,
    mined: acting.data ?? null,
    error: acting.error,
    reset: acting.reset,
  };
}

/** The pinned deployment, and the wallet of whoever is signed in. Throws WalletMissing, Problem or Refusal. */
async function prepared(cache: QueryClient): Promise<{ readonly deployment: Deployment; readonly wallet: Wallet }> {
  const deployment = parseDeployment(ownDeployment() ?? (await cache.ensureQueryData(deploymentQuery)));
  const who = await cache.ensureQueryData(whoQuery);
  const wallet = await obtainWallet(who?.address ?? "", deployment, await cache.ensureQueryData(demoWalletsQuery));
  return { deployment, wallet };
}
