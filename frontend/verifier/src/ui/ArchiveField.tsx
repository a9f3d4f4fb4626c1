/** Where the archive's blocks come from: a gateway, a folder of this computer, or CAR files. */

import { type ReactNode, useId } from "react";
import { Both } from "./Both.tsx";
import { Choice } from "./Choice.tsx";
import type { ArchiveKind, Inputs } from "./inputs.ts";
import { blockNamed } from "../sources/memory.ts";
import { type Said, text } from "./text.ts";

const KINDS: readonly { readonly value: ArchiveKind; readonly label: Said }[] = [
  { value: "gateway", label: text.gateway },
  { value: "folder", label: text.folder },
  { value: "car", label: text.car },
];

interface Props {
  readonly inputs: Inputs;
  readonly change: (part: Partial<Inputs>) => void;
}

export function ArchiveField({ inputs, change }: Props): ReactNode {
  const id = useId();
  const { archive, files } = inputs;
  return (
    <fieldset className="field">
      <legend>
        <Both say={text.archive} />
      </legend>
      <Choice name="archive" options={KINDS} value={archive} onChange={(kind) => change({ archive: kind, files: [] })} />
      {archive === "gateway" ? (
        <input
          id={id}
          type="url"
          inputMode="url"
          className="mono"
          placeholder="https://…"
          aria-label={`${text.gateway.zh} ${text.gateway.en}`}
          value={inputs.gateway}
          onChange={(event) => change({ gateway: event.target.value })}
        />
      ) : (
        <FilePicker key={archive} kind={archive} files={files} onChange={(chosen) => change({ files: chosen })} />
      )}
    </fieldset>
  );
}

interface PickerProps {
  readonly kind: "folder" | "car";
  readonly files: readonly File[];
  readonly onChange: (files: readonly File[]) => void;
}

function FilePicker({ kind, files, onChange }: PickerProps): ReactNode {
  const label = kind === "folder" ? text.chooseFolder : text.chooseCar;
  const blocks = kind === "folder" ? files.filter((file) => blockNamed(file.name) !== null).length : files.length;
  return (
    <div className="file-row">
      <label className="button quiet">
        <Both say={label} />
        <input
          type="file"
          multiple
          className="visually-hidden"
          aria-label={`${label.zh} ${label.en}`}
          {...(kind === "folder" ? { webkitdirectory: "" } : { accept: ".car" })}
          onChange={(event) => onChange([...(event.target.files ?? [])])}
        />
      </label>
      {files.length ? (
        <span className={blocks ? "chip" : "chip bad"}>
          <Both say={chosen(kind, blocks)} />
        </span>
      ) : null}
    </div>
  );
}

function chosen(kind: "folder" | "car", count: number): Said {
  if (!count) return text.noBlocks;
  const unit = kind === "car" ? text.cars : text.blocks;
  return { zh: `${count} ${unit.zh}`, en: `${count} ${unit.en}` };
}

declare module "react" {
  interface InputHTMLAttributes<T> {
    /** Chooses a whole folder; every current browser has it. */
    webkitdirectory?: T extends HTMLInputElement ? string : never;
  }
}
