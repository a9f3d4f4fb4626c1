/** One figure of the day. */

import type { ReactNode } from "react";

export function Tile({
  name,
  value,
  hint,
  mark,
}: {
  readonly name: string;
  readonly value: string;
  readonly hint?: ReactNode;
  readonly mark?: ReactNode;
}): ReactNode {
  const [, figure, unit] = /^(\S+)(?:\s(\S+))?$/.exec(value) ?? [undefined, value, undefined];
  return (
    <div className="tile">
      <div className="name">
        {name}
        {mark}
      </div>
      <div className="value">
        {figure}
        {unit !== undefined && <small>{unit}</small>}
      </div>
      {hint !== undefined && <div className="hint">{hint}</div>}
    </div>
  );
}
