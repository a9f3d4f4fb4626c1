/** The cache of answers: what came last stays on the screen while the service is asked again. */

import { QueryClient } from "@tanstack/react-query";
import { Problem } from "../api/problem.ts";

const RETRIES = 2;

/** A cache that asks again only where asking again may help. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < RETRIES && error instanceof Problem && (error.status === 0 || error.status >= 500),
        networkMode: "always",
        refetchOnWindowFocus: false,
      },
      mutations: { networkMode: "always" },
    },
  });
}
