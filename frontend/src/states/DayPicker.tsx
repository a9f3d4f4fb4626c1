/** Chooses a local day. */

import { Button } from "antd";
import type { ReactNode } from "react";
import { useText } from "../text/TextProvider.tsx";
import { dayAfter } from "../units/time.ts";

export function DayPicker({
  day,
  latest,
  choose,
}: {
  readonly day: string;
  readonly latest: string;
  readonly choose: (day: string) => void;
}): ReactNode {
  const { text } = useText();
  return (
    <div className="day-picker" role="group" aria-label={text.day}>
      <Button aria-label={text.dayBefore} onClick={() => choose(dayAfter(day, -1))}>
        ‹
      </Button>
      <label className="day">
        {day}
        <input
          type="date"
          value={day}
          max={latest}
          aria-label={text.day}
          onClick={(event) => event.currentTarget.showPicker()}
          onChange={(event) => event.target.value !== "" && choose(event.target.value)}
        />
      </label>
      <Button aria-label={text.dayNext} disabled={day >= latest} onClick={() => choose(dayAfter(day, 1))}>
        ›
      </Button>
    </div>
  );
}
