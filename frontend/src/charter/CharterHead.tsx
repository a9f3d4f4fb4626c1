/** Title, who is signed in, and the pages under joining and the charter. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { whoQuery } from "../api/queries.ts";
import { WhoCard } from "../statement/WhoCard.tsx";
import { useText } from "../text/TextProvider.tsx";
import "../act/act.css";
import "./charter.css";

export function CharterHead(): ReactNode {
  const { charter: words } = useText().text;
  const who = useQuery(whoQuery);
  return (
    <>
      <div className="view-head">
        <h1>{words.title}</h1>
        {who.data && <WhoCard who={who.data} />}
        <p className="lead">{words.lead}</p>
      </div>
      <nav className="subplaces" aria-label={words.placesLabel}>
        <NavLink to="/charter" end>
          {words.places.rules}
        </NavLink>
        <NavLink to="/charter/members">{words.places.members}</NavLink>
      </nav>
    </>
  );
}
