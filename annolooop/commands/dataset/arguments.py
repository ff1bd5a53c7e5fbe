"""Arguments that several commands of `annoloop dataset` take."""

from typing import Annotated

import typer

from annolooop import completion

NAME = Annotated[
    str, typer.Argument(help="Name of the dataset.", autocompletion=completion.datasets)
]
NAME_IF_OTHER = Annotated[
    str | None,
    typer.Argument(
        help="Name of the dataset; default: the one in the stack file.",
        autocompletion=completion.datasets,
    ),
]
BROWSER = Annotated[
    bool,
    typer.Option("--browser/--no-browser", help="Open a browser, or only print the address."),
]
OFFLINE = Annotated[
    bool, typer.Option("--offline", help="Use the last snapshot instead of Label Studio.")
]
