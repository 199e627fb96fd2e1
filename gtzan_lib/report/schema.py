"""What the report's files have to look like: reading and checking, by JSON Schemas."""

from pathlib import Path

from jsonschema import Draft202012Validator

from gtzan_lib import store
from gtzan_lib.errors import DataError


def read(path: Path, schema: str, *parts: str) -> dict:
    """Read a JSON file and check it; ``DataError`` says what is wrong."""
    content = store.read_json(path)
    if content is None:
        raise DataError(f"{path} is not a file of results")
    check(content, path, schema, *parts)
    return content


def check(content: object, path: Path, schema: str, *parts: str) -> None:
    """Check what a file holds; a ``DataError`` says where it is of another type.

    Of ``parts`` of it alone, if any are named.
    """
    rules = store.read_json(Path(__file__).with_name(schema))
    if parts:
        rules["properties"] = {name: rules["properties"][name] for name in parts}
        rules["required"] = list(parts)
    for error in Draft202012Validator(rules).iter_errors(content):
        where = ".".join(map(str, error.absolute_path)) or "the top"
        raise DataError(f"{path} is wrong at {where}: {error.message[:200]}")
