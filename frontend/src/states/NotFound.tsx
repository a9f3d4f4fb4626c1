/** An address without a view. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useText } from "../text/TextProvider.tsx";

export function NotFound(): ReactNode {
  const { text } = useText();
  return (
    <div className="view">
      <h1>{text.notFound}</h1>
      <Link to="/">{text.backHome}</Link>
    </div>
  );
}
