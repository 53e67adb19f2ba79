"""Read-only JSON: dicts and lists that nobody changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("`raw` is read-only: to_dict() makes a copy that can be changed.")


_refused: Any = _refuse


class ReadOnlyDict(dict[str, Any]):
    """A dict that nobody changes. A copy is a plain dict. The repr has no values, as they may be secrets."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refused

    def __repr__(self) -> str:
        return f"<read-only: {', '.join(map(repr, self))}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A list that nobody changes. A copy is a plain list."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = _refused
    remove = reverse = sort = _refused

    def __repr__(self) -> str:
        return f"<read-only: {len(self)} items>"

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def copied(document: Mapping[str, Any], new_dict: type[dict[str, Any]], new_list: type[list[Any]]) -> dict[str, Any]:
    """Return the document anew, of these types. It may be nested more deeply than Python calls."""
    todo: list[Any] = [new_dict(document)]
    for container in todo:
        is_list = issubclass(type(container), list)
        put: Any = list[Any].__setitem__ if is_list else dict[Any, Any].__setitem__
        items: Any = enumerate(container) if is_list else container.items()
        for place, value in items:
            new = new_dict if issubclass(type(value), dict) else new_list if issubclass(type(value), list) else None
            if new:
                todo.append(new(value))
                put(container, place, todo[-1])
    copy: dict[str, Any] = todo[0]
    return copy
