/** The pinned deployment: the reader's own copy, kept in the browser, else the service's as a starting point. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { deploymentQuery } from "../api/queries.ts";
import { type Deployment, parseDeployment } from "../evidence/deployment.ts";
import { Refusal } from "../evidence/refusal.ts";

const KEY = "alliance.deployment";

export interface Pinned {
  readonly text: string;
  readonly own: boolean;
  readonly deployment: Deployment | null;
  readonly refusal: Refusal | null;
  readonly replace: (text: string) => void;
  readonly reset: () => void;
}

/** The reader's own copy, null while there is none. */
export function ownDeployment(): string | null {
  return window.localStorage.getItem(KEY);
}

export function usePinned(): Pinned {
  const offered = useQuery(deploymentQuery);
  const [own, setOwn] = useState(ownDeployment);
  const text = own ?? offered.data ?? "";
  return {
    text,
    own: own !== null,
    ...parsed(text),
    replace: (next) => {
      window.localStorage.setItem(KEY, next);
      setOwn(next);
    },
    reset: () => {
      window.localStorage.removeItem(KEY);
      setOwn(null);
    },
  };
}

function parsed(text: string): { readonly deployment: Deployment | null; readonly refusal: Refusal | null } {
  if (text === "") return { deployment: null, refusal: null };
  try {
    return { deployment: parseDeployment(text), refusal: null };
  } catch (error) {
    if (error instanceof Refusal) return { deployment: null, refusal: error };
    throw error;
  }
}
