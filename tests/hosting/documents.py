"""Reads the files that other programs are configured with: JSON with comments, YAML, and the schemas beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"


def read_jsonc(name: str) -> Any:
    """JSON as VS Code reads it; of comments only those that have a line to themselves."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return json.loads("\n".join("" if line.lstrip().startswith("//") else line for line in lines))


def read_yaml(name: str) -> Any:
    """By YAML 1.2, in which ``on`` is a text and no truth value; a key that stands twice is an error."""
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text(encoding="utf-8"))


def problems(document: Any, schema: dict[str, Any]) -> list[str]:
    """One sentence for each place in which a document is not as its schema asks."""
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    found = kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(document)
    return sorted(f"{error.json_path}: {error.message}" for error in found)


def own_schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema
