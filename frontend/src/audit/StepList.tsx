/** Each step of the verification with its tick, or the exact reason why it failed. */

import type { ReactNode } from "react";
import type { Facts } from "../evidence/refusal.ts";
import { STEPS, type StepName, type StepOutcome } from "../evidence/verify.ts";
import { useText } from "../text/TextProvider.tsx";
import { instant } from "../units/time.ts";

const TIME_FACTS = ["tMs", "earliestMs", "latestMs"];

export function StepList({ outcomes }: { readonly outcomes: readonly StepOutcome[] }): ReactNode {
  return (
    <ol className="steps">
      {STEPS.map((step, at) => (
        <Step key={step} number={at + 1} step={step} outcome={outcomes.find((outcome) => outcome.step === step)} />
      ))}
    </ol>
  );
}

function Step({
  number,
  step,
  outcome,
}: {
  readonly number: number;
  readonly step: StepName;
  readonly outcome: StepOutcome | undefined;
}): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  const state = outcome === undefined ? "waiting" : outcome.passed ? "passed" : "failed";
  const mark = { waiting: `${number}`, passed: "✓", failed: "✕" }[state];
  const spoken = { waiting: words.waiting, passed: words.passed, failed: words.failed }[state];
  return (
    <li className={state} data-step={step} data-state={state}>
      <span className="mark" role="img" aria-label={spoken}>
        {mark}
      </span>
      <div>
        <strong>{words.steps[step]}</strong>
        {outcome?.passed === true && <StepFacts facts={outcome.facts} />}
        {outcome?.passed === true && outcome.note !== undefined && <p className="chip warn wrap">{words.notes[outcome.note]}</p>}
        {outcome?.passed === false && (
          <p className="reason" role="alert">
            {words.refusals[outcome.refusal.code](outcome.refusal.facts)}
          </p>
        )}
      </div>
    </li>
  );
}

function StepFacts({ facts }: { readonly facts: Facts }): ReactNode {
  const { text } = useText();
  return (
    <p className="step-facts">
      {Object.entries(facts).map(([name, value]) => (
        <span key={name}>
          {text.audit.facts[name] ?? name} <b className="mono">{name === "kind" ? (text.station.channelKinds[value] ?? value) : shown(name, value, text.audit.unbounded)}</b>
        </span>
      ))}
    </p>
  );
}

function shown(name: string, value: string, unbounded: string): string {
  if (TIME_FACTS.includes(name)) return value === "0" ? unbounded : instant(Number(value));
  return name === "validTo" ? instant(Number(value) * 1000) : value;
}
