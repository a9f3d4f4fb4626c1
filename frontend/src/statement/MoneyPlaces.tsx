/** The pages under leases and statement. */

import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { useText } from "../text/TextProvider.tsx";
import "../act/act.css";

export function MoneyPlaces(): ReactNode {
  const { leases: words } = useText().text;
  return (
    <nav className="subplaces" aria-label={words.placesLabel}>
      <NavLink to="/statement" end>
        {words.places.statement}
      </NavLink>
      <NavLink to="/statement/leases">{words.places.leases}</NavLink>
      <NavLink to="/statement/readers">{words.places.readers}</NavLink>
    </nav>
  );
}
