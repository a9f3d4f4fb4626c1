"""An independent witness of logs: it cosigns heads that only ever grow."""
