/** Texts whose hashes stand on chain: filed before the hash is sent, believed only when they have it. */

import { queryOptions } from "@tanstack/react-query";
import { answer, client } from "../api/client.ts";
import { textHash } from "./commitment.ts";

/** File a text, so that everybody can read it. Throws Problem. */
export async function fileText(text: string): Promise<void> {
  await answer(
    client.POST("/v1/texts", { params: { header: { "Idempotency-Key": crypto.randomUUID() } }, body: { text } }),
  );
}

export interface FoundText {
  readonly text: string;
  /** Whether it has the hash that stands on chain. */
  readonly matches: boolean;
}

/** The text of a hash, null when nobody filed one. */
export function textQuery(hash: string) {
  return queryOptions({
    queryKey: ["text", hash],
    queryFn: async (): Promise<FoundText | null> => {
      const { text } = await answer(client.GET("/v1/texts/{hashed}", { params: { path: { hashed: hash } } }));
      return text === null ? null : { text, matches: (await textHash(text)) === hash };
    },
    staleTime: 30_000,
  });
}
