"""What the demo says: the command of each stage, ready to be copied, and facts.

Public names: say, fact, print_examples, MOST_EXAMPLES.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from audiolect.cli.console import console, plain, print_table
from audiolect.cli.tour_plan import Tour

MOST_EXAMPLES = 4


def say(tour: Tour, command: str) -> None:
    """A command that does alone what comes now."""
    if not tour.quiet:
        console().print(Text(f"\n$ {plain(command)}", style="bold cyan"), soft_wrap=True)


def fact(what: str, value: str) -> None:
    """Something that is so now."""
    console().print(Text.assemble((what, "bold"), f"  {plain(value)}"), soft_wrap=True)


def print_examples(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Recordings, what was written of them, and what is true."""
    print_table(title, ("recording", "written", "true"), rows[:MOST_EXAMPLES], whole=(0,))
