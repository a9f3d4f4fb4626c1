/** The page: what to verify, from where, how far it is, and what came of it. Nothing is stored, nothing is sent elsewhere. */

import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { auditDay } from "../audit/auditor.ts";
import { FINALITY_BLOCKS, receiptVerdict } from "../audit/receipt.ts";
import { Rpc } from "../chain/rpc.ts";
import { Mark } from "../../../src/app/Mark.tsx";
import { ArchiveField } from "./ArchiveField.tsx";
import { Both } from "./Both.tsx";
import { Choice } from "./Choice.tsx";
import { FileField } from "./FileField.tsx";
import { deploymentSummary, type Inputs, readyDay, readyReceipt, rpcHint, WrongInput } from "./inputs.ts";
import { type Finished, Result } from "./Result.tsx";
import { Steps, type StepState, type StepStates } from "./Steps.tsx";
import { type Said, type StepName, text } from "./text.ts";

const DAY_STEPS: readonly StepName[] = ["identity", "chain", "log", "documents", "settlement"];
const RECEIPT_STEPS: readonly StepName[] = ["receipt", "identity", "chain", "key"];
const MODES: readonly { readonly value: Inputs["mode"]; readonly label: Said; readonly hint: Said }[] = [
  { value: "day", label: text.day, hint: text.dayHint },
  { value: "receipt", label: text.receipt, hint: text.receiptHint },
];
const STEP_MS = 60;

/** What a link may fill in, after the `#`, which no server sees: mode, rpc, archive, day. */
function firstInputs(): Inputs {
  const given = new URLSearchParams(location.hash.slice(1));
  const served = location.protocol === "http:" || location.protocol === "https:";
  return {
    mode: given.get("mode") === "receipt" ? "receipt" : "day",
    deployment: "",
    rpc: given.get("rpc") ?? "",
    day: given.get("day") ?? "",
    archive: "gateway",
    gateway: given.get("archive") ?? (served ? location.origin : ""),
    files: [],
    key: "",
    receipt: "",
    depth: "",
  };
}

export function App(): ReactNode {
  const [inputs, setInputs] = useState(firstInputs);
  const [states, setStates] = useState<StepStates | null>(null);
  const [finished, setFinished] = useState<Finished | null>(null);
  const [wrong, setWrong] = useState<WrongInput | null>(null);
  const running = states !== null && finished === null && wrong === null;
  const told = useRef(0);
  const change = (part: Partial<Inputs>) => {
    setWrong(null);
    setInputs((old) => ({ ...old, ...part }));
  };

  const tell = (step: string, done: number, total: number) => {
    const now = performance.now();
    if (done < total && now - told.current < STEP_MS) return;
    told.current = now;
    setStates((old) => ({ ...old, [step]: { done, total } satisfies StepState }));
  };
  const start = async (event: FormEvent) => {
    event.preventDefault();
    setWrong(null);
    setFinished(null);
    setStates({});
    try {
      setFinished(await (inputs.mode === "day" ? verifiedDay(inputs, tell) : verifiedReceipt(inputs, tell)));
    } catch (error) {
      setStates(null);
      setWrong(error instanceof WrongInput ? error : unexpected(error));
    }
  };

  const outcome = finished?.verdict.verdict;
  return (
    <>
      <header className="top">
        <div className="inside">
          <Mark />
          <h1>
            <Both say={text.brand} />
          </h1>
        </div>
      </header>
      <main className="inside">
        <p className="lead">
          <Both say={text.lead} apart />
        </p>
        <form className="card form" onSubmit={(event) => void start(event)} noValidate>
          <fieldset className="field">
            <legend>
              <Both say={text.whatFor} />
            </legend>
            <Choice name="mode" options={MODES} value={inputs.mode} onChange={(mode) => { setStates(null); setFinished(null); change({ mode }); }} />
          </fieldset>
          <Anchor inputs={inputs} change={change} />
          {inputs.mode === "day" ? <DayFields inputs={inputs} change={change} /> : <ReceiptFields inputs={inputs} change={change} />}
          {wrong ? (
            <p className="notice" role="alert" data-testid="wrong">
              <b>
                <Both say={text.wrongInput} />
              </b>
              <span>
                {wrong.field.zh}：{wrong.why.zh} <span className="en apart">{wrong.field.en}: {wrong.why.en}</span>
              </span>
            </p>
          ) : null}
          <div className="actions">
            <button type="submit" className="button main" disabled={running}>
              <Both say={running ? text.running : text.verify} />
            </button>
          </div>
        </form>
        {states ? (
          <Steps
            names={inputs.mode === "day" ? DAY_STEPS : RECEIPT_STEPS}
            states={states}
            ended={outcome === "fail" || outcome === "unread" ? outcome : null}
          />
        ) : null}
        {finished ? <Result finished={finished} onAgain={() => { setFinished(null); setStates(null); }} /> : null}
        <p className="source muted">
          <Both say={text.source} apart />
        </p>
      </main>
    </>
  );
}

interface PartProps {
  readonly inputs: Inputs;
  readonly change: (part: Partial<Inputs>) => void;
}

function Anchor({ inputs, change }: PartProps): ReactNode {
  const summary = deploymentSummary(inputs.deployment);
  const take = (deployment: string) => change({ deployment, rpc: inputs.rpc || rpcHint(deployment) || "" });
  return (
    <fieldset className="group">
      <legend>
        <Both say={text.anchor} />
      </legend>
      <FileField label={text.deployment} hint={text.deploymentHint} value={inputs.deployment} summary={summary} onChange={take} />
      <label className="field">
        <span>
          <Both say={text.rpc} />
        </span>
        <input type="url" inputMode="url" className="mono" placeholder="http://127.0.0.1:8545" value={inputs.rpc} onChange={(event) => change({ rpc: event.target.value })} />
      </label>
      <Depth inputs={inputs} change={change} />
    </fieldset>
  );
}

function Depth({ inputs, change }: PartProps): ReactNode {
  const usual = inputs.mode === "day" ? "0" : `${FINALITY_BLOCKS}`;
  return (
    <details>
      <summary>
        <Both say={text.more} />
      </summary>
      <label className="field short">
        <span>
          <Both say={text.depth} />
        </span>
        <input inputMode="numeric" className="num" placeholder={usual} value={inputs.depth} onChange={(event) => change({ depth: event.target.value })} />
      </label>
    </details>
  );
}

function DayFields({ inputs, change }: PartProps): ReactNode {
  return (
    <fieldset className="group">
      <legend>
        <Both say={text.evidence} />
      </legend>
      <label className="field short">
        <span>
          <Both say={text.date} />
        </span>
        <input type="text" inputMode="numeric" className="num" placeholder="YYYY-MM-DD" value={inputs.day} onChange={(event) => change({ day: event.target.value })} />
      </label>
      <ArchiveField inputs={inputs} change={change} />
      <FileField label={text.key} hint={text.keyHint} value={inputs.key} rows={1} secret onChange={(key) => change({ key })} />
    </fieldset>
  );
}

function ReceiptFields({ inputs, change }: PartProps): ReactNode {
  return (
    <fieldset className="group">
      <legend>
        <Both say={text.evidence} />
      </legend>
      <FileField label={text.receiptFile} hint={text.receiptDrop} value={inputs.receipt} rows={5} onChange={(receipt) => change({ receipt })} />
    </fieldset>
  );
}

type Tell = (step: string, done: number, total: number) => void;

async function verifiedDay(inputs: Inputs, progress: Tell): Promise<Finished> {
  const { rpc, deployment, day, archive, depth, opener } = await readyDay(withDepth(inputs, "0"));
  const verdict = await auditDay({ rpc: new Rpc(rpc), archive, deployment, day, depth, opener, progress });
  const place = inputs.archive === "gateway" ? inputs.gateway : inputs.archive;
  return { mode: "day", verdict, report: { ...verdict, ...context(inputs, { archive: place }) } };
}

async function verifiedReceipt(inputs: Inputs, progress: Tell): Promise<Finished> {
  const { rpc, deployment, receipt, depth } = readyReceipt(withDepth(inputs, `${FINALITY_BLOCKS}`));
  const verdict = await receiptVerdict({ receipt, rpc: new Rpc(rpc), deployment, depth, progress });
  return { mode: "receipt", verdict, report: { ...verdict, ...context(inputs, { receipt: JSON.parse(inputs.receipt) as unknown }) } };
}

function withDepth(inputs: Inputs, usual: string): Inputs {
  return { ...inputs, depth: inputs.depth.trim() || usual };
}

/** What a report says of its own making. */
function context(inputs: Inputs, more: object): object {
  return {
    verifier: "storage-alliance second verifier", madeAt: new Date().toISOString(), rpc: inputs.rpc,
    deployment: JSON.parse(inputs.deployment) as unknown, ...more,
  };
}

function unexpected(error: unknown): WrongInput {
  const why = error instanceof Error ? error.message : String(error);
  return new WrongInput(text.itself, { zh: why, en: why });
}
