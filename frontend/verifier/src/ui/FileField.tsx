/** A text that comes from a file, from dropping one, or from pasting: what was chosen is named, the text stays visible. */

import { type DragEvent, type ReactNode, useId, useState } from "react";
import { Both } from "./Both.tsx";
import { type Said, text } from "./text.ts";

interface Props {
  readonly label: Said;
  readonly hint?: Said;
  readonly value: string;
  readonly summary?: Said | null;
  readonly rows?: number;
  readonly secret?: boolean;
  readonly onChange: (value: string) => void;
}

export function FileField({ label, hint, value, summary, rows = 2, secret = false, onChange }: Props): ReactNode {
  const id = useId();
  const [name, setName] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    setName(file.name);
    onChange(await file.text());
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    <div
      className={over ? "field drop over" : "field drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <label htmlFor={id}>
        <Both say={label} />
      </label>
      {hint ? (
        <p className="hint" id={`${id}-hint`}>
          <Both say={hint} apart />
        </p>
      ) : null}
      <div className="file-row">
        <label className="button quiet">
          <Both say={text.choose} />
          <input
            type="file"
            className="visually-hidden"
            aria-label={`${label.zh} ${label.en}: ${text.choose.en}`}
            onChange={(event) => void take(event.target.files?.[0])}
          />
        </label>
        <span className="hint">{name ?? <Both say={text.paste} />}</span>
        {summary ? (
          <span className="chip">
            <Both say={summary} />
          </span>
        ) : null}
      </div>
      <textarea
        id={id}
        rows={rows}
        spellCheck={false}
        autoComplete="off"
        className={secret ? "mono secret" : "mono"}
        aria-describedby={hint ? `${id}-hint` : undefined}
        value={value}
        onChange={(event) => {
          setName(null);
          onChange(event.target.value);
        }}
      />
    </div>
  );
}
