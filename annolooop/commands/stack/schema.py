"""`annoloop stack schema`."""

from typing import Any

from annolooop.console import Console


def schema(console: Console) -> dict[str, Any]:
    """Print the JSON Schema of the stack file, for editors."""
    from annolooop.config.schema import stack_schema

    return stack_schema()


def show_schema(console: Console, report: dict[str, Any]) -> None:
    """Print the schema itself, as --json does."""
    console.json(report)
