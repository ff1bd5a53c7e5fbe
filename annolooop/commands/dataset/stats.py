"""`annoloop dataset stats`: the counts of any dataset."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.quality.stats import StatsReport

from annolooop.commands.dataset.arguments import NAME
from annolooop.commands.stats import stats


def stats_of(console: Console, name: NAME) -> "StatsReport":
    """Count tasks, labels, and what people did with the predictions."""
    return stats(console, name)
