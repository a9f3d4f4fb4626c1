/** The application: papers are hashed here in the browser with a salt; only the digest leaves it. */

import { Button } from "antd";
import { type ReactNode, useEffect, useId, useState } from "react";
import { Field } from "../act/Field.tsx";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import { applyForMembership } from "../chain/call.ts";
import { useText } from "../text/TextProvider.tsx";
import { commitmentTo, fileHash, freshSalt } from "./commitment.ts";
import { keepSalt } from "./saltNote.ts";

const NO_FILE = `0x${"00".repeat(32)}` as const;

export function ApplyCard(): ReactNode {
  const { text } = useText();
  const { charter: words } = text;
  const act = useAct();
  const [salt] = useState(freshSalt);
  const [licence, setLicence] = useState<`0x${string}`>(NO_FILE);
  const [code, setCode] = useState("");
  const [missing, setMissing] = useState(false);
  const commitment = useCommitment(salt, licence, code);
  const given = licence !== NO_FILE || code.trim() !== "";
  const submit = (): void => {
    setMissing(!given);
    if (!given || commitment === null) return;
    keepSalt(commitment, salt);
    act.run(applyForMembership(commitment));
  };
  return (
    <section className="card">
      <h2>{words.join}</h2>
      <p className="muted">{words.joinWhy}</p>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field label={words.licenceNo} value={code} set={setCode} />
        <Papers choose={(file) => void fileHash(file).then(setLicence)} />
        <Shown label={words.salt} value={salt} />
        {given && commitment !== null && <Shown label={words.commitment} value={commitment} />}
        <div className="actions wide">
          <Button type="primary" htmlType="submit" loading={act.state === "wallet" || act.state === "sent"}>
            {words.apply}
          </Button>
          <span className={missing ? "notice" : "muted"}>{missing ? words.papersMissing : text.act.costs}</span>
        </div>
        <div className="wide">
          <Outcome act={act} />
        </div>
      </form>
    </section>
  );
}

function useCommitment(salt: `0x${string}`, licence: `0x${string}`, code: string): `0x${string}` | null {
  const [commitment, setCommitment] = useState<`0x${string}` | null>(null);
  useEffect(() => {
    let current = true;
    void commitmentTo({ salt, licence, code }).then((made) => {
      if (current) setCommitment(made);
    });
    return () => {
      current = false;
    };
  }, [salt, licence, code]);
  return commitment;
}

function Papers({ choose }: { readonly choose: (file: File) => void }): ReactNode {
  const { charter: words } = useText().text;
  const id = useId();
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {words.papers}
      </label>
      <input
        id={id}
        type="file"
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file !== undefined) choose(file);
        }}
      />
      <span className="hint">{words.papersHint}</span>
    </div>
  );
}

function Shown({ label, value }: { readonly label: string; readonly value: string }): ReactNode {
  return (
    <div className="field wide">
      <span className="label">{label}</span>
      <span className="mono">{value}</span>
    </div>
  );
}
