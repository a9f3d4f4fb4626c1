/** What came of an action: waiting for the wallet, waiting for the block, in block n, or why it was refused. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { serviceQuery } from "../api/queries.ts";
import { ContractRefusal, shortly } from "../chain/refusal.ts";
import { Failure } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { WalletMissing } from "../wallet/obtain.ts";
import type { Act } from "./useAct.ts";
import "./act.css";

export function Outcome({ act }: { readonly act: Act }): ReactNode {
  const { text } = useText();
  const service = useQuery(serviceQuery);
  if (act.state === "idle") return null;
  if (act.state === "failed") return act.error === null ? null : <Refused error={act.error} />;
  const said =
    act.state === "wallet" ? text.act.wallet : act.state === "sent" ? text.act.sent : text.act.done(`${act.mined?.block ?? ""}`);
  const hash = act.mined?.hash ?? act.sent;
  return (
    <div className={`outcome ${act.state}`} role="status" data-outcome={act.state}>
      <span>{said}</span>
      {act.state === "sent" && service.data?.lockstep === true && <span>{text.act.demoBlocks}</span>}
      {hash !== null && <span className="mono">{hash}</span>}
    </div>
  );
}

function Refused({ error }: { readonly error: Error }): ReactNode {
  const { text } = useText();
  if (error instanceof Problem) return <Failure error={error} />;
  return (
    <div className="outcome failed" role="alert" data-outcome="refused">
      <strong>{error instanceof ContractRefusal ? text.act.refused : text.act.notSent}</strong>
      <span>
        <Why error={error} />
      </span>
    </div>
  );
}

function Why({ error }: { readonly error: Error }): ReactNode {
  const { text } = useText();
  if (error instanceof WalletMissing) return error.other === null ? text.act.walletGone : text.act.walletOther(error.other);
  if (!(error instanceof ContractRefusal)) return isRejection(error) ? text.statement.rejected : shortly(error);
  const said = text.contractErrors[error.code](error.facts);
  return error.inner === null ? said : `${said}${text.contractErrors[error.inner.code](error.inner.facts)}`;
}

/** EIP-1193: the wallet's owner said no. */
function isRejection(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { readonly code?: unknown }).code === 4001 || /user rejected|user denied/i.test(at.message)) return true;
  }
  return false;
}
