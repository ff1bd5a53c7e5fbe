"""`annoloop dataset stats`: the counts of any dataset."""

from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER
from annolooop.commands.stats import stats
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.quality.stats import StatsReport


def stats_of(console: Console, name: NAME_IF_OTHER = None) -> "StatsReport":
    """Count tasks, labels and agreement with the model."""
    return stats(console, name)
