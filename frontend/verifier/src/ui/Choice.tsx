/** A few options of which one holds, as buttons that are radio inputs: arrows move, a screen reader counts. */

import type { ReactNode } from "react";
import { Both } from "./Both.tsx";
import type { Said } from "./text.ts";

interface Props<T extends string> {
  readonly name: string;
  readonly options: readonly { readonly value: T; readonly label: Said; readonly hint?: Said }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

export function Choice<T extends string>({ name, options, value, onChange }: Props<T>): ReactNode {
  return (
    <div className="choice">
      {options.map((option) => (
        <label key={option.value} className={option.value === value ? "option on" : "option"}>
          <input
            type="radio"
            name={name}
            className="visually-hidden"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <Both say={option.label} />
          {option.hint ? (
            <small>
              <Both say={option.hint} />
            </small>
          ) : null}
        </label>
      ))}
    </div>
  );
}
