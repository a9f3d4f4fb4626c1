/** Runs the verifier and gathers what it tells, step by step. */

import { useRef, useState } from "react";
import type { Deployment } from "../evidence/deployment.ts";
import { httpRpc } from "../evidence/rpc.ts";
import { type Proven, type StepOutcome, verify } from "../evidence/verify.ts";

export interface Verification {
  readonly state: "idle" | "running" | "passed" | "refused" | "broken";
  readonly outcomes: readonly StepOutcome[];
  readonly proven: Proven | null;
  readonly failure: string | null;
}

export interface Asked {
  readonly receiptText: string;
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  readonly finality: number;
}

const IDLE: Verification = { state: "idle", outcomes: [], proven: null, failure: null };

export function useVerification(): {
  readonly verification: Verification;
  readonly run: (asked: Asked) => Promise<void>;
  readonly clear: () => void;
} {
  const [verification, setVerification] = useState(IDLE);
  const latest = useRef(0);
  const run = async ({ receiptText, deployment, rpcUrl, finality }: Asked): Promise<void> => {
    latest.current += 1;
    const mine = latest.current;
    const set = (next: (before: Verification) => Verification): void => {
      if (mine === latest.current) setVerification(next);
    };
    set(() => ({ ...IDLE, state: "running" }));
    const question = { receiptText, deployment, ask: httpRpc(rpcUrl), finalityBlocks: BigInt(finality) };
    try {
      const proven = await verify(question, (outcome) =>
        set((before) => ({ ...before, outcomes: [...before.outcomes, outcome] })),
      );
      set((before) => ({ ...before, proven, state: proven === null ? "refused" : "passed" }));
    } catch (error) {
      set((before) => ({ ...before, state: "broken", failure: error instanceof Error ? error.message : String(error) }));
    }
  };
  const clear = (): void => {
    latest.current += 1;
    setVerification(IDLE);
  };
  return { verification, run, clear };
}
