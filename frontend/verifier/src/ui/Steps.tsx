/** How far a verification is: each step with its bar, told to a screen reader as the step changes. */

import type { ReactNode } from "react";
import { Both } from "./Both.tsx";
import { STEPS, type StepName, text } from "./text.ts";

/** How much of a step is done. */
export interface StepState {
  readonly done: number;
  readonly total: number;
}

export type StepStates = Readonly<Partial<Record<StepName, StepState>>>;

interface Props {
  readonly names: readonly StepName[];
  readonly states: StepStates;
  /** The step at which the verification ended without a pass; null while it runs or passed. */
  readonly ended: "fail" | "unread" | null;
}

export function Steps({ names, states, ended }: Props): ReactNode {
  const current = names.findLast((name) => states[name] !== undefined);
  return (
    <section className="card" aria-label={`${text.steps.zh} ${text.steps.en}`}>
      <ol className="steps">
        {names.map((name) => {
          const state = states[name];
          const full = state !== undefined && state.done >= state.total;
          const stopped = ended !== null && name === (full ? null : current);
          const mark = stopped ? ended : full ? "done" : state ? "running" : "waiting";
          const percent = state && state.total > 0 ? Math.min(100, Math.round((100 * state.done) / state.total)) : 0;
          return (
            <li key={name} className={mark}>
              <span className="mark" aria-hidden="true" />
              <span className="name">
                <Both say={STEPS[name]} />
              </span>
              <span className="bar" role="progressbar" aria-label={STEPS[name].en} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
                <i style={{ width: `${percent}%` }} />
              </span>
              <span className="num muted">{state && state.total > 1 ? `${state.done} / ${state.total}` : ""}</span>
            </li>
          );
        })}
      </ol>
      <p className="visually-hidden" role="status">
        {ended === null && current ? `${STEPS[current].zh} ${STEPS[current].en}` : ""}
      </p>
    </section>
  );
}
