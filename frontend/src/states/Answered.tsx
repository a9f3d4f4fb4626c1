/** Shows an answer, or why there is none: skeleton, the problem's own text, or "nothing yet". */

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem } from "../api/problem.ts";
import { useText } from "../text/TextProvider.tsx";
import { Skeleton } from "./Opening.tsx";

/** Renders `children` with the data; data that came earlier stay when asking again fails. */
export function Answered<T>({
  of,
  height,
  children,
}: {
  readonly of: UseQueryResult<T>;
  readonly height: number;
  readonly children: (data: T) => ReactNode;
}): ReactNode {
  if (of.data !== undefined) return children(of.data);
  if (of.isError) return <Failure error={of.error} retry={() => void of.refetch()} />;
  return <Skeleton height={height} />;
}

/** Why something could not be shown, in the service's words. */
export function Failure({ error, retry }: { readonly error: Error; readonly retry?: () => void }): ReactNode {
  const { text } = useText();
  const unreachable = error instanceof Problem && error.status === 0;
  const title = error instanceof Problem && !unreachable ? error.title : text.unreachable;
  const detail = error instanceof Problem ? error.detail : error.message;
  return (
    <div className="notice" role="alert">
      <strong>{title}</strong>
      {!unreachable && detail !== "" && <span>{detail}</span>}
      {retry !== undefined && (
        <button type="button" className="chip warn" onClick={retry}>
          {text.retry}
        </button>
      )}
    </div>
  );
}

/** Nothing to show, in a sentence. */
export function Empty({ children }: { readonly children?: ReactNode }): ReactNode {
  const { text } = useText();
  return <p className="muted">{children ?? text.empty}</p>;
}
