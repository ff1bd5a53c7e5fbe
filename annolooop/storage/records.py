"""Typed records as JSON, checked against their type when they are read.

This is the one reader of what others may have damaged or written: behind it, a record is what its
type says.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from annolooop.storage.artifacts.store import ArtifactStore

T = TypeVar("T")
Check = Callable[[Any], Any]  # takes a JSON value, returns what it stands for

PLAIN = (str, int, float, bool, NoneType)
NOT_JSON = "it is not JSON"
OTHER = "it does not hold what such a file holds"


class WrongRecord(ValueError):
    """A JSON value is not what its type says; the text says what is wrong."""


def to_json(value: Any, without: Mapping[str, object] | None = None) -> bytes:
    """A record as JSON: a dataclass, or what JSON has.

    Args:
        value: the record.
        without: fields of the record itself that are left out.
    """
    if without:
        value = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in without}
    return json.dumps(value, ensure_ascii=False, default=_fields_of).encode()


def from_json(kind: Any, data: bytes, more: Check = lambda value: value) -> Any:
    """The record that JSON stands for; unknown fields and values of other types are errors.

    Args:
        kind: a dataclass, a type that JSON has, ``tuple[...]``, ``dict[...]``, a union of such;
            ``Annotated[kind, check]`` for one whose values ``check`` takes, or raises
            ``ValueError``.
        data: JSON in UTF-8.
        more: changes the JSON value before it is checked.

    Raises:
        WrongRecord: it is not JSON, or not of this type.
    """
    value = _parsed(data)
    try:
        return check_of(kind)(more(value))
    except WrongRecord:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise WrongRecord(OTHER) from None


def _parsed(data: bytes) -> Any:
    """A JSON value. Numbers are finite and texts are text, which JSON does not ask for."""
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_not_a_number, parse_float=_finite)
        if "\\u" in text:  # nothing else can stand for half a character
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise WrongRecord(NOT_JSON) from None
    return value


def _not_a_number(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_a_number(text)


class Document(Generic[T]):
    """A record under one key.

    Args:
        store: where it is kept.
        key: of the object.
        kind: type of the record; see :func:`annolooop.storage.records.from_json`.
        derived: what is in it can be made again: a damaged one counts as missing.
    """

    def __init__(self, store: ArtifactStore, key: str, kind: Any, derived: bool = False) -> None:
        self._store = store
        self._key = key
        self._kind = kind
        self._derived = derived

    def read(self) -> T | None:
        """The record, or ``None`` where there is none.

        Raises:
            DataError: it is damaged.
        """
        try:
            record: T = from_json(self._kind, self._store.get(self._key))
        except KeyError:
            return None
        except WrongRecord as error:
            if self._derived:
                return None
            raise self._store.damaged(self._key, str(error)) from None
        return record

    def exists(self) -> bool:
        """Whether there is one."""
        return self._store.exists(self._key)

    def write(self, value: T) -> None:
        """Put a record in the place of whatever is there."""
        self._store.put(self._key, to_json(value))

    def delete(self) -> None:
        """Remove it, if it is there."""
        self._store.delete(self._key)


@cache
def check_of(kind: Any) -> Check:
    """What checks JSON values of a type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated_check(*inner)
    if kind in (Any, object):
        return lambda value: value
    if is_dataclass(kind):
        return _dataclass_check(kind)
    if kind is float or kind in PLAIN:
        return _plain_check(kind)
    if origin in (Union, UnionType):
        return _union_check(inner)
    if origin is Literal:
        return _literal_check(inner)
    if origin is tuple:
        return _tuple_check(inner)
    if kind is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _dict_check(*(inner or (str, Any)))
    raise AssertionError(f"no record holds {kind}")


def _dataclass_check(kind: Any) -> Check:
    hints = get_type_hints(kind, include_extras=True)
    # Plain fields are checked here: a snapshot has a million of them.
    plain = [(name, _types_of(hint)) for name, hint in hints.items() if _types_of(hint)]
    others = [(name, check_of(hint)) for name, hint in hints.items() if not _types_of(hint)]
    names = {field.name for field in fields(kind)}
    required = {
        field.name
        for field in fields(kind)
        if (field.default is MISSING and field.default_factory is MISSING)
        or field.metadata.get("required")
    }

    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise WrongRecord("it is not an object")
        if not required <= value.keys() <= names:
            wrong = sorted(required - value.keys()) or sorted(value.keys() - names)
            verb = "has no" if required - value.keys() else "has an unknown"
            raise WrongRecord(f"it {verb} {wrong[0]!r}")
        for name, types in plain:
            if name in value and type(value[name]) not in types:
                raise WrongRecord(f"{name!r} is {_brief(value[name])}")
        changed = {name: check(value[name]) for name, check in others if name in value}
        return kind(**(value | changed))

    return check


def _annotated_check(kind: Any, *more: Check) -> Check:
    check = check_of(kind)

    def checked(value: Any) -> Any:
        value = check(value)
        for one in more:
            try:
                value = one(value)
            except (ValueError, ArithmeticError):
                plain = isinstance(value, PLAIN)
                text = f"it has {_brief(value)}, which cannot be" if plain else OTHER
                raise WrongRecord(text) from None
        return value

    return checked


def _plain_check(kind: type) -> Check:
    types = _types_of(kind)

    def check(value: Any) -> Any:
        if type(value) not in types:
            raise WrongRecord(f"it has {_brief(value)} where {kind.__name__} is expected")
        return value

    return check


def _union_check(kinds: tuple[Any, ...]) -> Check:
    checks = [check_of(kind) for kind in kinds]

    def check(value: Any) -> Any:
        for one in checks:
            try:
                return one(value)
            except WrongRecord as error:
                last = error
        raise last

    return check


def _literal_check(values: tuple[Any, ...]) -> Check:
    def check(value: Any) -> Any:
        if value not in values:
            raise WrongRecord(f"it has {_brief(value)} where one of {values} is expected")
        return value

    return check


def _tuple_check(kinds: tuple[Any, ...]) -> Check:
    each = check_of(kinds[0])
    types = _types_of(kinds[0])

    def check(value: Any) -> Any:
        if type(value) is not list:
            raise WrongRecord(f"it has {_brief(value)} where a list is expected")
        if types and all(type(item) in types for item in value):
            return tuple(value)
        return tuple(each(item) for item in value)

    assert kinds[1:] == (...,), "a list of any length"
    return check


def _dict_check(key: Any, kind: Any) -> Check:
    each = check_of(kind)
    anything = kind in (Any, object)

    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise WrongRecord(f"it has {_brief(value)} where an object is expected")
        if anything:
            return value
        try:
            return {key(name): each(item) for name, item in value.items()}
        except WrongRecord:
            raise
        except ValueError:
            raise WrongRecord("it has a key that is not a number") from None

    return check


def _types_of(kind: Any) -> tuple[type, ...]:
    """Types of the JSON values that a plain type allows; empty for types that are not plain."""
    if get_origin(kind) in (Union, UnionType):
        each = [_types_of(one) for one in get_args(kind)]
        return tuple(one for types in each for one in types) if all(each) else ()
    if kind is float:
        return (float, int)
    return (kind,) if kind in PLAIN else ()


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
