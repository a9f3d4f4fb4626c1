/** Registering a reader by its public key: one's own, or an auditor. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Choice, Field } from "../act/Field.tsx";
import { Failure } from "../states/Answered.tsx";
import { Copyable } from "../states/Copyable.tsx";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { register } from "./deeds.ts";
import { useDeed } from "./useDeed.ts";

const KEY = /^0x[0-9a-f]{64}$/i;
const NAME_LIMIT = 100;
type Kind = "auditor" | "member";

export function AddReader({ member }: { readonly member: number }): ReactNode {
  const { text } = useText();
  const { readers: words } = text;
  const names = useNames();
  const deed = useDeed();
  const [kind, setKind] = useState<Kind>("auditor");
  const [name, setName] = useState("");
  const [publicKey, setPublicKey] = useState("");
  const [sent, setSent] = useState(false);
  const called = name.trim() === "" && kind === "member" ? names.member(member) : name.trim();
  const sound = KEY.test(publicKey.trim()) && called !== "" && called.length <= NAME_LIMIT;
  const submit = (): void => {
    setSent(true);
    if (sound) deed.mutate(() => register({ kind, name: called, publicKey: publicKey.trim().toLowerCase(), ...(kind === "member" ? { member } : {}) }));
  };
  return (
    <section className="card">
      <h2>{words.add}</h2>
      <p className="muted">{words.addWhy}</p>
      <Copyable value="alliance reader my.key" />
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Choice
          label={words.kind}
          value={kind}
          set={setKind}
          options={(["auditor", "member"] as const).map((one) => ({ value: one, label: words.kinds[one] ?? one }))}
        />
        <Field label={words.name} value={name} set={setName} {...(sent && called === "" ? { hint: words.wrongName } : {})} />
        <div className="wide">
          <Field
            label={words.publicKey}
            value={publicKey}
            set={setPublicKey}
            {...(sent && !KEY.test(publicKey.trim()) ? { hint: words.wrongKey } : {})}
          />
        </div>
        <div className="actions wide">
          <Button type="primary" htmlType="submit" loading={deed.isPending}>
            {words.submit}
          </Button>
          <span className="muted">{words.kindWhy[kind]}</span>
        </div>
        <div className="wide">
          {deed.isSuccess && (
            <p className="outcome done" role="status">
              {words.added}
            </p>
          )}
          {deed.isError && <Failure error={deed.error} />}
        </div>
      </form>
    </section>
  );
}

