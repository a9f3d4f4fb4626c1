/** Proposing: the reason is filed for all to read, its hash goes on chain with the call. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { Choice, Field, Words } from "../act/Field.tsx";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import { applicationsQuery, type Charter, membersQuery, packsQuery } from "../api/queries.ts";
import { usePinned } from "../audit/usePinned.ts";
import { propose } from "../chain/call.ts";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { dayAfter } from "../units/time.ts";
import { textHash } from "./commitment.ts";
import { shortHex } from "./MeaningLine.tsx";
import { callOf, PROPOSABLE, type ProposalKind, type ProposeField, type ProposeForm } from "./proposeForm.ts";
import { fileText } from "./texts.ts";

interface ProposeProps {
  readonly today: string;
  readonly voting: Charter["voting"];
}

export function ProposeCard(props: ProposeProps): ReactNode {
  const { text } = useText();
  const [params] = useSearchParams();
  const wanted = PROPOSABLE.find((kind) => kind === params.get("propose"));
  const [open, setOpen] = useState(wanted !== undefined);
  return (
    <section className="card">
      <div className="card-head">
        <h2>{text.charter.propose}</h2>
        <Button type={open ? "default" : "primary"} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.act.close : text.charter.propose}
        </Button>
      </div>
      <p className="muted">{text.charter.proposeWhy}</p>
      {open && <ProposeEditor start={initial(props, wanted ?? "fee", params.get("account") ?? "")} />}
    </section>
  );
}

function ProposeEditor({ start }: { readonly start: ProposeForm }): ReactNode {
  const { text } = useText();
  const { charter: words } = text;
  const { deployment } = usePinned();
  const act = useAct();
  const [form, setForm] = useState(start);
  const [wrong, setWrong] = useState<readonly ProposeField[]>([]);
  const change = (part: Partial<ProposeForm>): void => setForm({ ...form, ...part });
  const submit = async (): Promise<void> => {
    const reason = form.reason.trim();
    const hash = await textHash(reason);
    const read = callOf(form, hash);
    setWrong("wrong" in read ? read.wrong : []);
    if ("wrong" in read || deployment === null) return;
    act.run(propose(deployment.contracts[read.call.contract].address, read.call, hash), () => fileText(reason));
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Choice
        label={words.what}
        value={form.kind}
        set={(kind: ProposalKind) => change({ kind, account: "" })}
        options={PROPOSABLE.map((kind) => ({ value: kind, label: words.kinds[kind] ?? kind }))}
      />
      <Particulars {...{ form, change, wrong }} />
      <Words
        label={words.reason}
        value={form.reason}
        set={(reason) => change({ reason })}
        wrong={wrong.includes("reason")}
        {...(wrong.includes("reason") ? { hint: words.reasonMissing } : {})}
      />
      <div className="actions wide">
        <Button type="primary" htmlType="submit" loading={act.state === "wallet" || act.state === "sent"}>
          {words.submit}
        </Button>
        <span className="muted">{text.act.costs}</span>
      </div>
      <div className="wide">
        <Outcome act={act} />
      </div>
    </form>
  );
}

interface ParticularsProps {
  readonly form: ProposeForm;
  readonly change: (part: Partial<ProposeForm>) => void;
  readonly wrong: readonly ProposeField[];
}

function Particulars({ form, change, wrong }: ParticularsProps): ReactNode {
  const { charter: words } = useText().text;
  const day = (
    <Field label={words.fromDay} type="date" hint={words.fromDayHint} value={form.fromDay} set={(fromDay) => change({ fromDay })} wrong={wrong.includes("fromDay")} />
  );
  switch (form.kind) {
    case "fee":
    case "loss":
      return (
        <>
          <Field label={words.newValue} unit="%" value={form.value} set={(value) => change({ value })} wrong={wrong.includes("value")} />
          {day}
        </>
      );
    case "tariff":
    case "groups":
      return (
        <>
          <PackField {...{ form, change, wrong }} />
          {day}
        </>
      );
    case "admit":
    case "reject":
      return <ApplicantField {...{ form, change, wrong }} />;
    default:
      return <MemberField {...{ form, change, wrong }} />;
  }
}

function PackField({ form, change, wrong }: ParticularsProps): ReactNode {
  const { charter: words } = useText().text;
  const packs = useQuery(packsQuery);
  const known = (form.kind === "tariff" ? (packs.data ?? []) : []).map(({ name, content }) => ({ value: content, label: `${name} ${shortHex(content)}` }));
  return (
    <>
      {known.length > 0 && <Choice label={words.pack} value={form.pack} set={(pack) => change({ pack })} options={[{ value: "", label: "—" }, ...known]} />}
      <Field label={words.packHash} value={form.pack} set={(pack) => change({ pack })} wrong={wrong.includes("pack")} />
    </>
  );
}

function ApplicantField({ form, change, wrong }: ParticularsProps): ReactNode {
  const { charter: words } = useText().text;
  const applications = useQuery(applicationsQuery);
  const open = (applications.data ?? []).filter(({ status }) => status === "applied");
  const options = [{ value: "", label: "—" }, ...open.map(({ applicant }) => ({ value: applicant, label: shortHex(applicant) }))];
  return (
    <>
      <Choice label={words.applicant} value={form.account} set={(account) => change({ account })} options={options} />
      {wrong.includes("account") && <p className="notice wide">{words.noApplications}</p>}
    </>
  );
}

function MemberField({ form, change }: ParticularsProps): ReactNode {
  const { charter: words } = useText().text;
  const names = useNames();
  const members = useQuery(membersQuery);
  const wanted = form.kind === "suspend" ? "admitted" : "suspended";
  const found = (members.data ?? []).filter(({ status }) => status === wanted);
  const options = [{ value: "", label: "—" }, ...found.map(({ address, member }) => ({ value: address, label: names.member(member) }))];
  return <Choice label={words.member} value={form.account} set={(account) => change({ account })} options={options} />;
}

/** A rule can first hold on the day after it can be executed, if all vote at once. */
function initial({ today, voting }: ProposeProps, kind: ProposalKind, account: string): ProposeForm {
  const wait = Math.ceil((voting.votingSeconds + voting.delaySeconds) / 86_400) + 1;
  return { kind, value: "", fromDay: dayAfter(today, wait), pack: "", account, reason: "" };
}
