/** What stands around every view: name, navigation (a bar below on phones), the alliance's time, the language switch. */

import type { ReactNode } from "react";
import { NavLink, Outlet } from "react-router";
import { useText } from "../text/TextProvider.tsx";
import { Mark } from "./Mark.tsx";
import { NavIcon, type NavName } from "./NavIcon.tsx";
import { ServiceClock } from "./ServiceClock.tsx";

const PLACES: readonly { readonly to: string; readonly name: NavName }[] = [
  { to: "/", name: "today" },
  { to: "/stations", name: "station" },
  { to: "/statement", name: "statement" },
  { to: "/charter", name: "charter" },
  { to: "/audit", name: "audit" },
];

export function Shell(): ReactNode {
  const { text } = useText();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {text.skip}
      </a>
      <header className="masthead">
        <NavLink to="/" className="brand">
          <Mark />
          <span>
            <strong>{text.brand}</strong>
            <small>{text.brandSub}</small>
          </span>
        </NavLink>
        <Navigation />
        <div className="masthead-end">
          <ServiceClock />
          <LanguageSwitch />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function Navigation(): ReactNode {
  const { text } = useText();
  return (
    <nav className="places" aria-label={text.nav.label}>
      {PLACES.map(({ to, name }) => (
        <NavLink key={name} to={to} end={to === "/"}>
          <NavIcon name={name} />
          <span>{text.nav[name]}</span>
        </NavLink>
      ))}
    </nav>
  );
}

function LanguageSwitch(): ReactNode {
  const { language, text, speak } = useText();
  return (
    <button
      type="button"
      className="language"
      lang={language === "zh" ? "en" : "zh-CN"}
      aria-label={text.languageLabel}
      onClick={() => speak(language === "zh" ? "en" : "zh")}
    >
      {text.languageSwitch}
    </button>
  );
}
