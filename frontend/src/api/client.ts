/** The one place that talks to the service: typed by its OpenAPI document, answers unwrapped, errors as `Problem`. */

import createClient from "openapi-fetch";
import { currentLanguage } from "../text/language.ts";
import { Problem, problemOf } from "./problem.ts";
import type { components, paths } from "./schema.ts";

export type Schemas = components["schemas"];

/** The typed client; relative addresses, so that the page asks the service that served it. */
export const client = createClient<paths>({ baseUrl: window.location.origin });

client.use({
  onRequest({ request }) {
    request.headers.set("accept-language", currentLanguage());
    return request;
  },
});

interface Settled<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The body of an answer. Throws Problem. */
export async function answer<T>(pending: Promise<Settled<T>>): Promise<T> {
  const { data, error, response } = await reached(pending);
  if (!response.ok || data === undefined) throw problemOf(error, response.status);
  return data;
}

/** All items of a list, page after page. */
export async function everyPage<T>(
  page: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const got = await page(cursor);
    items.push(...got.items);
    cursor = got.next ?? undefined;
  } while (cursor !== undefined);
  return items;
}

async function reached<T>(pending: Promise<Settled<T>>): Promise<Settled<T>> {
  try {
    return await pending;
  } catch (error) {
    throw new Problem({ status: 0, code: "unreachable", title: "", detail: error instanceof Error ? error.message : "" });
  }
}
