/** An application and its decision: whoever may decide does so here; the applicant reads the reason of a refusal. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { Words } from "../act/Field.tsx";
import { Outcome } from "../act/Outcome.tsx";
import { useAct } from "../act/useAct.ts";
import { type Application, whoQuery } from "../api/queries.ts";
import { usePinned } from "../audit/usePinned.ts";
import { askRole } from "../chain/ask.ts";
import { admit, reject, withdrawApplication } from "../chain/call.ts";
import { useText } from "../text/TextProvider.tsx";
import { textHash } from "./commitment.ts";
import { RefusalReason } from "./RefusalReason.tsx";
import { keptSalt } from "./saltNote.ts";
import { fileText } from "./texts.ts";

export function ApplicationCard({ application, own = false }: { readonly application: Application; readonly own?: boolean }): ReactNode {
  const { charter: words } = useText().text;
  const look = application.status === "applied" ? "warn" : application.status === "rejected" ? "bad" : "";
  return (
    <article className="card" data-application={application.applicant}>
      <div className="card-head">
        <h2>{own ? words.yours : <span className="mono">{application.applicant}</span>}</h2>
        <span className={`chip ${look}`}>{words.applicationStates[application.status] ?? application.status}</span>
      </div>
      {application.status === "rejected" ? (
        <RefusalReason hash={application.hash} />
      ) : (
        <Digest hash={application.hash} salt={own ? keptSalt(application.hash) : null} />
      )}
      {application.status === "applied" && <p className="muted">{words.decided}</p>}
      {application.status === "applied" && (own ? <Withdrawing /> : <Deciding applicant={application.applicant as `0x${string}`} />)}
      {application.status === "rejected" && own && <p className="muted">{words.reapply}</p>}
    </article>
  );
}

function Digest({ hash, salt }: { readonly hash: string; readonly salt: string | null }): ReactNode {
  const { charter: words } = useText().text;
  return (
    <dl className="facts digest">
      <dt>{words.commitment}</dt>
      <dd className="mono">{hash}</dd>
      {salt !== null && <dt>{words.salt}</dt>}
      {salt !== null && <dd className="mono">{salt}</dd>}
    </dl>
  );
}

function Withdrawing(): ReactNode {
  const { charter: words } = useText().text;
  const act = useAct();
  return (
    <>
      <div className="actions">
        <Button loading={act.state === "wallet" || act.state === "sent"} onClick={() => act.run(withdrawApplication())}>
          {words.withdraw}
        </Button>
      </div>
      <Outcome act={act} />
    </>
  );
}

/** The role decides at once; members propose and vote. */
function Deciding({ applicant }: { readonly applicant: `0x${string}` }): ReactNode {
  const { charter: words } = useText().text;
  const who = useQuery(whoQuery);
  const admits = useAdmits();
  if (admits) return <Verdict applicant={applicant} />;
  if (who.data?.member === null || who.data?.member === undefined) return null;
  return (
    <div className="actions">
      <Link to={`/charter?propose=admit&account=${applicant}`}>{words.proposeAdmit}</Link>
      <Link to={`/charter?propose=reject&account=${applicant}`}>{words.proposeReject}</Link>
    </div>
  );
}

function useAdmits(): boolean {
  const { deployment } = usePinned();
  const who = useQuery(whoQuery);
  const account = who.data?.address as `0x${string}` | null | undefined;
  const asked = useQuery({
    queryKey: ["role", account],
    queryFn: () => askRole(deployment, "ADMITTER", account ?? "0x"),
    enabled: deployment !== null && account !== null && account !== undefined,
    retry: false,
    staleTime: 30_000,
  });
  return asked.data === true;
}

function Verdict({ applicant }: { readonly applicant: `0x${string}` }): ReactNode {
  const { charter: words } = useText().text;
  const act = useAct();
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const busy = act.state === "wallet" || act.state === "sent";
  const refuse = async (): Promise<void> => {
    const said = reason.trim();
    setMissing(said === "");
    if (said !== "") act.run(reject(applicant, await textHash(said)), () => fileText(said));
  };
  return (
    <div className="form">
      <Words label={words.reason} value={reason} set={setReason} wrong={missing} {...(missing ? { hint: words.reasonMissing } : {})} />
      <div className="actions wide">
        <Button type="primary" loading={busy} onClick={() => act.run(admit(applicant))}>
          {words.admit}
        </Button>
        <Button danger loading={busy} onClick={() => void refuse()}>
          {words.reject}
        </Button>
      </div>
      <div className="wide">
        <Outcome act={act} />
      </div>
    </div>
  );
}
