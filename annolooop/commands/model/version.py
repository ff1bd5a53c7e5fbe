"""The argument that names a model version."""

from typing import Annotated

import typer

from annolooop import completion

VERSION = Annotated[
    str,
    typer.Argument(
        help="Model version, such as v3-1a2b3c, v3 or 3.", autocompletion=completion.model_versions
    ),
]
