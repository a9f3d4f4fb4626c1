/** A statement's lines as CSV: integers with units in the header, UTF-8 with its mark so that spreadsheets read Chinese. */

import type { Line } from "../api/queries.ts";

/** The text of the file; one row a line. */
export function csvOf(day: string, lines: readonly Line[], columns: readonly string[]): string {
  const rows = lines.map((line) =>
    [
      day, line.slot, line.kind, line.account, line.counterparty, line.subject, line.quantityWh, line.priceCentsPerMwh,
      line.amountCents, line.evidence, line.index,
    ].map((cell) => quoted(String(cell))).join(","),
  );
  return `\ufeff${[columns.map(quoted).join(","), ...rows].join("\r\n")}\r\n`;
}

/** Hand a text to the reader as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
