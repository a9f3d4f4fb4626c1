/** Joining: apply with one's own wallet, see what became of it and why; for members, who applied and who is in. */

import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import type { ReactNode } from "react";
import { type Application, applicationsQuery, type Member, membersQuery, whoQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useNames } from "../states/useNames.ts";
import { useText } from "../text/TextProvider.tsx";
import { SignInCard } from "../wallet/SignInCard.tsx";
import { ApplicationCard } from "./ApplicationCard.tsx";
import { ApplyCard } from "./ApplyCard.tsx";
import { CharterHead } from "./CharterHead.tsx";
import { shortHex } from "./MeaningLine.tsx";

export function MembersView(): ReactNode {
  const who = useQuery(whoQuery);
  const applications = useQuery(applicationsQuery);
  const address = who.data?.address ?? null;
  const member = who.data?.member ?? null;
  return (
    <div className="view">
      <CharterHead />
      {who.data === null && <SignInCard why="join" />}
      <Answered of={applications} height={160}>
        {(data) => (
          <>
            {address !== null && member === null && <Joining address={address} application={data.find(({ applicant }) => applicant === address)} />}
            <Applications all={data.filter(({ applicant, status }) => status === "applied" && applicant !== address)} />
          </>
        )}
      </Answered>
      <MembersCard />
    </div>
  );
}

function Joining({ address, application }: { readonly address: string; readonly application: Application | undefined }): ReactNode {
  const open = application?.status === "applied";
  return (
    <>
      {application !== undefined && application.status !== "withdrawn" && <ApplicationCard application={application} own />}
      {!open && <ApplyCard key={address} />}
    </>
  );
}

function Applications({ all }: { readonly all: readonly Application[] }): ReactNode {
  const { charter: words } = useText().text;
  return (
    <>
      <h2>{words.applications}</h2>
      {all.length === 0 && <Empty>{words.noApplications}</Empty>}
      <div className="deals">
        {all.map((application) => (
          <ApplicationCard key={application.applicant} application={application} />
        ))}
      </div>
    </>
  );
}

function MembersCard(): ReactNode {
  const { charter: words } = useText().text;
  const names = useNames();
  const members = useQuery(membersQuery);
  return (
    <section className="card">
      <h2>{words.members}</h2>
      <Answered of={members} height={200}>
        {(data) => (
          <Table<Member>
            size="small"
            pagination={false}
            rowKey="member"
            dataSource={[...data]}
            columns={[
              { title: words.member, render: (_, one) => `${one.member} · ${names.member(one.member)}` },
              { title: words.account, responsive: ["md"], render: (_, one) => <span className="mono">{shortHex(one.address)}</span> },
              { title: words.status, align: "right", render: (_, one) => words.memberStates[one.status] ?? one.status },
            ]}
          />
        )}
      </Answered>
    </section>
  );
}
