/** The devices that sign for a station: identifier, keys, channels. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Device, devicesQuery } from "../api/queries.ts";
import { Answered, Empty } from "../states/Answered.tsx";
import { useText } from "../text/TextProvider.tsx";
import { moment } from "../units/time.ts";

export function DevicesCard({ station }: { readonly station: number }): ReactNode {
  const { text } = useText();
  const devices = useQuery(devicesQuery);
  return (
    <section className="card">
      <h2>{text.station.devices}</h2>
      <Answered of={devices} height={110}>
        {(data) => {
          const here = data.filter((device) => device.station === station);
          return here.length === 0 ? <Empty /> : here.map((device) => <DeviceFacts key={device.device} device={device} />);
        }}
      </Answered>
    </section>
  );
}

function DeviceFacts({ device }: { readonly device: Device }): ReactNode {
  const { text } = useText();
  const { station: words } = text;
  return (
    <div className="device">
      <div>
        <h3>{words.did}</h3>
        <p className="mono">{device.did}</p>
        <p className="chips">
          <span className={`chip ${device.attested ? "" : "warn"}`}>{device.attested ? words.attested : words.notAttested}</span>
          <span className="chip plain">{words.chain[device.chainStatus]}</span>
          {device.channels.map((channel) => (
            <span key={channel.channel} className="chip plain">
              {channel.channel} {words.channelKinds[channel.kind] ?? channel.kind}
            </span>
          ))}
        </p>
      </div>
      <div>
        <h3>{words.key}</h3>
        {device.keys.map((key) => (
          <p key={key.key} className="mono">
            {key.key} <KeyState revoked={key.revoked} frozen={key.frozen} validTo={key.validTo} />
          </p>
        ))}
      </div>
    </div>
  );
}

function KeyState({
  revoked,
  frozen,
  validTo,
}: {
  readonly revoked: boolean;
  readonly frozen: boolean;
  readonly validTo: string;
}): ReactNode {
  const { text } = useText();
  if (frozen) return <span className="chip bad">{text.station.keyFrozen}</span>;
  if (revoked) return <span className="chip bad">{text.station.keyRevoked}</span>;
  return <span className="chip">{text.station.validTo(moment(Number(validTo) * 1000))}</span>;
}
