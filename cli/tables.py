"""Tables of figures as the commands show them."""

from collections.abc import Iterable

from rich import box
from rich.table import Table


def empty_table(title: str, headings: Iterable[str]) -> Table:
    """An empty table under a title, its columns to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
