/** The audit page: a receipt verified here in the browser against the chain, never by asking the service. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { receiptText, serviceQuery } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { PinnedCard } from "./PinnedCard.tsx";
import { ProvenCard } from "./ProvenCard.tsx";
import { ReceiptCard } from "./ReceiptCard.tsx";
import { StepList } from "./StepList.tsx";
import { usePinned } from "./usePinned.ts";
import { useVerification, type Verification } from "./useVerification.ts";
import "./audit.css";

const DEFAULT_RPC = "http://127.0.0.1:8545";
const DEFAULT_FINALITY = 12;

export function AuditView(): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  const pinned = usePinned();
  const service = useQuery(serviceQuery);
  const [receipt, setReceipt] = useState("");
  const [rpcUrl, setRpcUrl] = useState<string>();
  const [finality, setFinality] = useState<number>();
  const { verification, run, clear } = useVerification();
  const failed = useReceiptOfAddress(setReceipt);
  const node = {
    rpcUrl: rpcUrl ?? pinned.deployment?.rpcUrl ?? DEFAULT_RPC,
    setRpcUrl,
    finality: finality ?? service.data?.finalityBlocks ?? DEFAULT_FINALITY,
    setFinality,
  };
  const { deployment } = pinned;
  const ready = deployment !== null && receipt.trim() !== "";
  return (
    <div className="view">
      <div className="view-head">
        <h1>{words.title}</h1>
        <p className="lead">{words.lead}</p>
      </div>
      {failed !== null && <Failure error={failed} />}
      <div className="columns">
        <ReceiptCard
          receipt={receipt}
          setReceipt={(next) => {
            setReceipt(next);
            clear();
          }}
        >
          <Button
            type="primary"
            disabled={!ready}
            loading={verification.state === "running"}
            onClick={() => deployment !== null && void run({ receiptText: receipt, deployment, ...node })}
          >
            {verification.state === "running" ? words.running : words.run}
          </Button>
        </ReceiptCard>
        <PinnedCard pinned={pinned} node={node} />
      </div>
      <ResultCard verification={verification} />
    </div>
  );
}

function ResultCard({ verification }: { readonly verification: Verification }): ReactNode {
  return (
    <section className="card" aria-live="polite">
      <Verdict verification={verification} />
      <div className={verification.proven === null ? "" : "result"}>
        <StepList outcomes={verification.outcomes} />
        {verification.proven !== null && <ProvenCard proven={verification.proven} />}
      </div>
    </section>
  );
}

function Verdict({ verification }: { readonly verification: Verification }): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  switch (verification.state) {
    case "passed":
      return (
        <div className="verdict passed" data-verdict="passed">
          <strong>✓ {words.passed}</strong>
          <span>{words.passedWhy}</span>
        </div>
      );
    case "refused":
      return (
        <div className="verdict refused" data-verdict="refused">
          <strong>✕ {words.failed}</strong>
        </div>
      );
    case "broken":
      return (
        <div className="verdict refused" data-verdict="broken" role="alert">
          <strong>{words.unexpected}</strong>
          <span>{verification.failure}</span>
        </div>
      );
    default:
      return <h2>{words.run}</h2>;
  }
}

/** Fetch the receipt of the reading that the address names, once. */
function useReceiptOfAddress(setReceipt: (text: string) => void): Error | null {
  const [params] = useSearchParams();
  const [failed, setFailed] = useState<Error | null>(null);
  const wanted = params.get("reading");
  useEffect(() => {
    if (wanted === null) return;
    receiptText(wanted).then(setReceipt, setFailed);
  }, [wanted, setReceipt]);
  return failed;
}
