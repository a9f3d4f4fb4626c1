/** A labelled input with its unit; wrong entries say so once they were sent. */

import { type ReactNode, useId } from "react";
import { useText } from "../text/TextProvider.tsx";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly unit?: string;
  readonly hint?: string;
  readonly wrong?: boolean;
  readonly type?: "text" | "date" | "number";
  readonly min?: string;
}

export function Field({ label, value, set, unit, hint, wrong = false, type = "text", min }: FieldProps): ReactNode {
  const { text } = useText();
  const id = useId();
  const note = wrong ? text.act.invalid : hint;
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <span className={type === "date" ? "unit dated" : "unit"}>
        {type === "date" && <b aria-hidden="true">{value}</b>}
        <input
          id={id}
          type={type}
          inputMode={type === "text" ? "decimal" : undefined}
          value={value}
          min={min}
          aria-invalid={wrong}
          aria-describedby={note === undefined ? undefined : `${id}-hint`}
          onClick={(event) => type === "date" && event.currentTarget.showPicker()}
          onChange={(event) => set(event.target.value)}
        />
        {unit !== undefined && <span>{unit}</span>}
      </span>
      {note !== undefined && (
        <span id={`${id}-hint`} className={wrong ? "hint bad" : "hint"}>
          {note}
        </span>
      )}
    </div>
  );
}

/** A choice of few. */
export function Choice<T extends string | number>({
  label,
  value,
  set,
  options,
}: {
  readonly label: string;
  readonly value: T;
  readonly set: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly label: string }[];
}): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={({ target }) => {
          const chosen = options.find((option) => `${option.value}` === target.value);
          if (chosen !== undefined) set(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A longer text. */
export function Words({
  label,
  value,
  set,
  hint,
  wrong = false,
}: Pick<FieldProps, "label" | "value" | "set" | "hint" | "wrong">): ReactNode {
  const id = useId();
  return (
    <div className="field wide">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <textarea id={id} value={value} aria-invalid={wrong} onChange={(event) => set(event.target.value)} />
      {hint !== undefined && <span className={wrong ? "hint bad" : "hint"}>{hint}</span>}
    </div>
  );
}
