"""`annoloop stack schema`: what a stack file may hold, for editors."""

from typing import Any

from annolooop.console.console import Console


def schema(console: Console) -> dict[str, Any]:
    """Print the JSON Schema of the stack file, for editors."""
    from annolooop.config.json_schema import stack_schema

    return stack_schema()


def print_schema(console: Console, report: dict[str, Any]) -> None:
    """Print the schema itself, as --json does."""
    console.json(report)
