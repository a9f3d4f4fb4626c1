/** Where a receipt comes from: pasted, uploaded, or fetched for a reading by device, channel and number. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { Button, Input, InputNumber, Select, Upload } from "antd";
import { type ReactNode, useState } from "react";
import { devicesQuery, receiptText, serviceQuery } from "../api/queries.ts";
import { Failure } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { taken } from "./PinnedCard.tsx";

export function ReceiptCard({
  receipt,
  setReceipt,
  children,
}: {
  readonly receipt: string;
  readonly setReceipt: (text: string) => void;
  readonly children: ReactNode;
}): ReactNode {
  const { text } = useText();
  const { audit: words } = text;
  return (
    <section className="card">
      <h2>{words.receipt}</h2>
      <p className="muted">{words.receiptHint}</p>
      <Pick setReceipt={setReceipt} />
      <Input.TextArea
        aria-label={words.paste}
        placeholder={words.paste}
        className="mono"
        value={receipt}
        onChange={(event) => setReceipt(event.target.value)}
        rows={9}
        spellCheck={false}
      />
      <div className="chips">
        {children}
        <Upload accept=".json,application/json" showUploadList={false} beforeUpload={(file) => taken(file, setReceipt)}>
          <Button>{words.upload}</Button>
        </Upload>
      </div>
    </section>
  );
}

function Pick({ setReceipt }: { readonly setReceipt: (text: string) => void }): ReactNode {
  const { text } = useText();
  const { audit: words, station: stationWords } = text;
  const devices = useQuery(devicesQuery);
  const service = useQuery(serviceQuery);
  const [device, setDevice] = useState<string>();
  const [channel, setChannel] = useState(1);
  const [seq, setSeq] = useState(0);
  const chosen = devices.data?.find((one) => one.device === device) ?? devices.data?.[0];
  const fetching = useMutation({ mutationFn: receiptText, onSuccess: setReceipt });
  const fetchOne = (): void => {
    if (chosen === undefined || service.data === undefined) return;
    fetching.mutate(`${service.data.alliance}:${chosen.device}:${channel}:${seq}`);
  };
  return (
    <div className="pick">
      <label className="field grow">
        <h3>{words.device}</h3>
        <Select
          aria-label={words.device}
          {...(chosen === undefined ? {} : { value: chosen.device })}
          onChange={setDevice}
          options={(devices.data ?? []).map((one) => ({
            value: one.device,
            label: `${stationWords.title} ${one.station} · ${one.device.slice(0, 10)}…`,
          }))}
        />
      </label>
      <label className="field">
        <h3>{words.channel}</h3>
        <Select
          aria-label={words.channel}
          value={channel}
          onChange={setChannel}
          options={(chosen?.channels ?? []).map((one) => ({
            value: one.channel,
            label: stationWords.channelKinds[one.kind] ?? one.kind,
          }))}
          style={{ width: 116 }}
        />
      </label>
      <label className="field">
        <h3>{words.seq}</h3>
        <InputNumber aria-label={words.seq} min={0} value={seq} onChange={(value) => setSeq(value ?? 0)} style={{ width: 96 }} />
      </label>
      <Button onClick={fetchOne} loading={fetching.isPending} disabled={chosen === undefined}>
        {words.fetch}
      </Button>
      {fetching.isError && <Failure error={fetching.error} />}
    </div>
  );
}
