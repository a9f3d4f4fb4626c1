/** A text in one piece, with a button that copies it. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useText } from "../text/TextProvider.tsx";

export function Copyable({ value }: { readonly value: string }): ReactNode {
  const { text } = useText();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className="copyable">
      <code>{value}</code>
      <Button size="small" onClick={() => void copy()}>
        {copied ? text.copied : text.copy}
      </Button>
    </div>
  );
}
