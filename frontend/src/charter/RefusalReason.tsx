/** Why an application was refused: the filed text if it has the chain's hash, else a place to check the text one was given. */

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Words } from "../act/Field.tsx";
import { useText } from "../text/TextProvider.tsx";
import { textHash } from "./commitment.ts";
import { textQuery } from "./texts.ts";

export function RefusalReason({ hash }: { readonly hash: string }): ReactNode {
  const { charter: words } = useText().text;
  const { data } = useQuery(textQuery(hash));
  if (data === undefined) return null;
  if (data !== null && data.matches) {
    return (
      <>
        <h3>{words.refusedBecause}</h3>
        <blockquote>{data.text}</blockquote>
      </>
    );
  }
  return <Checking hash={hash} />;
}

function Checking({ hash }: { readonly hash: string }): ReactNode {
  const { charter: words } = useText().text;
  const [given, setGiven] = useState("");
  const [same, setSame] = useState<boolean>();
  useEffect(() => {
    let current = true;
    void textHash(given.trim()).then((found) => {
      if (current) setSame(given.trim() === "" ? undefined : found === hash);
    });
    return () => {
      current = false;
    };
  }, [given, hash]);
  return (
    <>
      <p className="muted">{words.refusedUnknown}</p>
      <p className="muted mono">
        {words.hash} {hash}
      </p>
      <Words
        label={words.pasteReason}
        value={given}
        set={setGiven}
        wrong={same === false}
        {...(same === undefined ? {} : { hint: same ? words.reasonMatches : words.reasonWrong })}
      />
    </>
  );
}
