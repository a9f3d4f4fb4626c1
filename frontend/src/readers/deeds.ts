/** What a member does about readers, at the service: a session's right, no transaction. Each throws Problem. */

import { answer, client, type Schemas } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";

function once(): { readonly "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

export async function register(body: Schemas["ReaderBody"]): Promise<void> {
  await answer(client.POST("/v1/readers", { params: { header: once() }, body }));
}

export async function give(fingerprint: string, subject: number): Promise<void> {
  await answer(client.POST("/v1/readers/{fingerprint}/subjects", { params: { path: { fingerprint }, header: once() }, body: { subject } }));
}

export async function takeBack(fingerprint: string, subject: number): Promise<void> {
  const { error, response } = await client.DELETE("/v1/readers/{fingerprint}/subjects/{subject}", { params: { path: { fingerprint, subject } } });
  if (!response.ok) throw problemOf(error, response.status);
}

export async function remove(fingerprint: string): Promise<void> {
  const { error, response } = await client.DELETE("/v1/readers/{fingerprint}", { params: { path: { fingerprint } } });
  if (!response.ok) throw problemOf(error, response.status);
}

/** The words that an erasure must be confirmed with. */
export function erasureWords(station: number): string {
  return `erase the evidence of station ${station}`;
}

export async function erase(station: number, confirm: string): Promise<void> {
  await answer(client.POST("/v1/stations/{station}/erasure", { params: { path: { station }, header: once() }, body: { confirm, force: false } }));
}
