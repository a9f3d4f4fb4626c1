/** Signing in (protocol 10.3): an EIP-4361 message with the service's nonce, signed by a wallet, opens a session cookie. */

import { createSiweMessage } from "viem/siwe";
import { answer, client, type Schemas } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import { noteSession } from "../api/sessionNote.ts";
import type { TextSigner } from "./wallet.ts";

/** Open a session. Throws Problem, or what the wallet throws. */
export async function signIn(signer: TextSigner): Promise<Schemas["SessionAnswer"]> {
  const nonce = await answer(client.GET("/v1/session/nonce"));
  const message = createSiweMessage({
    address: signer.address,
    chainId: nonce.chainId,
    domain: nonce.domain,
    nonce: nonce.nonce,
    uri: nonce.uri,
    version: "1",
    statement: nonce.statement,
    issuedAt: new Date(nonce.issuedAt),
    expirationTime: new Date(nonce.expiresAt),
  });
  const signature = await signer.sign(message);
  const session = await answer(
    client.POST("/v1/session", {
      params: { header: { "Idempotency-Key": crypto.randomUUID() } },
      body: { message, signature },
    }),
  );
  noteSession(true);
  return session;
}

/** Close the session. Throws Problem, and the session stays open. */
export async function signOut(): Promise<void> {
  const { error, response } = await client.DELETE("/v1/session");
  if (!response.ok) throw problemOf(error, response.status);
  noteSession(false);
}
