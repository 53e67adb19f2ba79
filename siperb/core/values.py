"""Values without attrs, which takes 1.5 million instructions to build each of its classes when it is imported."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar


class Value:
    """Equal to another of its class whose slots hold the same, but for those in `aside`. Not to be changed; no repr."""

    __slots__ = ()
    _compared: ClassVar[attrgetter[Any] | type]

    def __init_subclass__(cls, aside: tuple[str, ...] = ()) -> None:
        slots: tuple[str, ...] = cls.__slots__
        compared = [name for name in slots if name not in aside]
        cls._compared = attrgetter(*compared) if compared else type

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._compared(self) == self._compared(other)

    def __hash__(self) -> int:
        return hash((type(self), self._compared(self)))
