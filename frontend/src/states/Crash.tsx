/** A view that threw: what it said, and a way back. */

import type { ReactNode } from "react";
import { useRouteError } from "react-router";
import { useText } from "../text/TextProvider.tsx";

export function Crash(): ReactNode {
  const { text } = useText();
  const error = useRouteError();
  return (
    <div className="view" role="alert">
      <h1>{text.crashed}</h1>
      <p className="mono">{error instanceof Error ? error.message : String(error)}</p>
      <p>
        <a href="/">{text.backHome}</a>
      </p>
    </div>
  );
}
