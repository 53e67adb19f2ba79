"""A keyring in a dict, in which a process may crash after any operation, or another one may come between any two."""

from __future__ import annotations

from collections.abc import Callable

from siperb.cache import entries
from siperb.cache.records import Key, Record, encode

ORIGIN = "https://api.example"
OWNER = Key.scope_of(ORIGIN, "user")
KEY = Key.of(ORIGIN, "user", "prov", "name", "t" + "0" * 64)
LIMIT = 400


class CrashError(Exception):
    """The process was killed."""


class World(dict[str, str]):
    """The entries. left: after how many operations a crash comes. between: called before each operation."""

    def __init__(self, entries: dict[str, str] | None = None, *, limit: int = LIMIT) -> None:
        super().__init__(entries or {})
        self.limit = limit
        self.is_alone = True
        self.left = float("inf")
        self.between: Callable[[], object] = lambda: None
        self.operations: list[str] = []
        self.undeletable: set[str] = set()

    def get(self, name: str) -> str | None:  # type: ignore[override]
        self._operate(f"get {name}")
        return super().get(name)

    def set(self, name: str, text: str) -> None:
        self._operate(f"set {name}")
        self[name] = text

    def delete(self, name: str) -> bool:
        self._operate(f"delete {name}")
        if name in self.undeletable:
            return False
        self.pop(name, None)
        return True

    def crashing(self, operations: int) -> World:
        """Let a crash come after so many operations from now."""
        self.left = operations
        return self

    def _operate(self, operation: str) -> None:
        if self.left <= 0:
            raise CrashError
        self.left -= 1
        self.operations.append(operation)
        between, self.between = self.between, lambda: None  # what comes between is not disturbed itself
        between()
        self.between = between


def crashed(world: World, operations: int, work: Callable[[World], object]) -> bool:
    """Do the work, with a crash after so many operations; whether it came."""
    try:
        work(world.crashing(operations))
    except CrashError:
        return True
    finally:
        world.crashing(10**9)
    return False


def crashes(before: World, work: Callable[[World], object]) -> list[World]:
    """The worlds that a crash after each operation leaves; the last one has none."""
    worlds: list[World] = []
    came = True
    while came:
        worlds.append(World(before, limit=before.limit))
        came = crashed(worlds[-1], len(worlds) - 1, work)
    return worlds


def record(payload: str, generation: int = 1) -> Record:
    return Record(payload, 1000.0, None, f"{generation:016x}")


def save(world: World, value: Record, *, key: Key = KEY, expected: str | None = None, owner: str = OWNER) -> bool:
    return entries.save(world, key, value, owner=owner, expected=expected)


def under(world: World, key: Key = KEY) -> list[str]:
    return [service for service in world if service.startswith(key.service)]


def count(value: Record, *, limit: int = LIMIT) -> int:
    """In how many entries a record stands."""
    return len(encode(value, KEY, OWNER, limit))
