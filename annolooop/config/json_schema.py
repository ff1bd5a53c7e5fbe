"""The JSON Schema of the stack file, with the texts below its keys."""

import json
from itertools import pairwise
from typing import Any

from annolooop.config import cloud_keys, schema
from annolooop.config.schema import StackConfig


def stack_schema() -> dict[str, Any]:
    """JSON Schema of the stack file, the same on every machine."""
    made = StackConfig.model_json_schema()
    for (section, key), text in descriptions().items():
        place = made if section == StackConfig.__name__ else made["$defs"][section]
        properties = place["properties"]
        properties[key] = dict(sorted({**properties[key], "description": text}.items()))
    made["properties"]["cache_dir"].pop("default", None)  # depends on the machine
    # Versions of pydantic differ in whether the bound of a number is 0 or 0.0.
    same: dict[str, Any] = json.loads(json.dumps(made), parse_float=_plain_number)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **same}


def descriptions() -> dict[tuple[str, str], str]:
    """Class and key -> the text below it in the files of the keys.

    Pydantic would find them too (``use_attribute_docstrings``), but by reading those files whenever
    they are imported, which makes each command wait.
    """
    import ast
    import inspect

    texts = {}
    source = [
        line for keys in (cloud_keys, schema) for line in ast.parse(inspect.getsource(keys)).body
    ]
    for section in (node for node in source if isinstance(node, ast.ClassDef)):
        for line, below in pairwise(section.body):
            if isinstance(line, ast.AnnAssign) and isinstance(below, ast.Expr):
                text = inspect.cleandoc(ast.literal_eval(below.value))
                texts[section.name, ast.unparse(line.target)] = text
    return texts


def _plain_number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value
