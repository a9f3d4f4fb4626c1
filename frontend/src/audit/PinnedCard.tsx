/** What the verifier trusts: the pinned deployment, shown whole and replaceable, the node asked, and the depth wanted. */

import { Button, Collapse, Input, InputNumber, Upload } from "antd";
import type { ReactNode } from "react";
import type { Deployment } from "../evidence/deployment.ts";
import { useText } from "../text/TextProvider.tsx";
import type { Pinned } from "./usePinned.ts";

export interface NodeChoice {
  readonly rpcUrl: string;
  readonly setRpcUrl: (url: string) => void;
  readonly finality: number;
  readonly setFinality: (blocks: number) => void;
}

export function PinnedCard({ pinned, node }: { readonly pinned: Pinned; readonly node: NodeChoice }): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  return (
    <section className="card">
      <div className="card-head">
        <h2>{words.pinned}</h2>
        <span className={`chip ${pinned.own ? "" : "warn"}`}>{pinned.own ? words.pinnedOwn : text.demo}</span>
      </div>
      {!pinned.own && <p className="muted">{words.pinnedFromService}</p>}
      {pinned.refusal !== null && (
        <p className="notice" role="alert">
          {words.refusals[pinned.refusal.code](pinned.refusal.facts)}
        </p>
      )}
      {pinned.deployment !== null && <PinnedFacts deployment={pinned.deployment} />}
      <Collapse
        size="small"
        items={[{ key: "text", label: `${words.pinnedText} · ${words.pinnedReplace}`, children: <Replace key={pinned.text} pinned={pinned} /> }]}
      />
      <label className="field">
        <h3>{words.rpc}</h3>
        <Input value={node.rpcUrl} onChange={(event) => node.setRpcUrl(event.target.value)} spellCheck={false} inputMode="url" />
      </label>
      <label className="field">
        <h3>{words.finality}</h3>
        <InputNumber min={0} value={node.finality} onChange={(blocks) => node.setFinality(blocks ?? 0)} style={{ width: 140 }} />
      </label>
    </section>
  );
}

function PinnedFacts({ deployment }: { readonly deployment: Deployment }): ReactNode {
  const { text } = useText();
  const rows = [
    [text.audit.facts["chainId"] ?? "chainId", `${deployment.chainId}`],
    ["AnchorLog", deployment.contracts.AnchorLog.address],
    ["DeviceRegistry", deployment.contracts.DeviceRegistry.address],
    ["AllianceRegistry", deployment.contracts.AllianceRegistry.address],
  ] as const;
  return (
    <dl className="facts pinned-facts">
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt>{name}</dt>
          <dd className="mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Replace({ pinned }: { readonly pinned: Pinned }): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  return (
    <div className="replace">
      <Input.TextArea
        aria-label={words.pinnedText}
        className="mono"
        defaultValue={pinned.text}
        autoSize={{ minRows: 4, maxRows: 12 }}
        spellCheck={false}
        onBlur={(event) => event.target.value !== pinned.text && pinned.replace(event.target.value)}
      />
      <div className="chips">
        <Upload accept=".json,application/json" showUploadList={false} beforeUpload={(file) => taken(file, pinned.replace)}>
          <Button size="small">{words.pinnedUpload}</Button>
        </Upload>
        {pinned.own && (
          <Button size="small" onClick={pinned.reset}>
            {words.pinnedReset}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Read a chosen file here in the browser and upload nothing. */
export function taken(file: Blob, take: (text: string) => void): false {
  void file.text().then(take);
  return false;
}
