"""A world of keyring entries in a dict, and drivers of the steps on them that may crash or change places."""

from __future__ import annotations

from typing import TypeVar

from siperb.cache import entries
from siperb.cache.entries import Delete, Deleted, Get, Set, Steps
from siperb.cache.records import Key, Record

T = TypeVar("T")
World = dict[str, str]

OWNER = Key.scope_of("https://api.example", "user")
KEY = Key.of("https://api.example", "user", "prov", "name", "t" + "0" * 64)
LIMIT = 400


def record(payload: str, generation: int = 1) -> Record:
    return Record(payload, 1000.0, None, f"{generation:016x}")


def perform(world: World, operation: entries.Operation) -> entries.Answer:
    match operation:
        case Get(service):
            return world.get(service)
        case Set(service, text):
            world[service] = text
            return None
        case Delete(service):
            return Deleted.NONE if world.pop(service, None) is None else Deleted.GONE


def run(world: World, steps: Steps[T], *, operations: int = -1) -> T | None:
    """Drive to the end, or crash after so many operations."""
    answer: entries.Answer = None
    try:
        operation = next(steps)
        while operations:
            operations -= 1
            answer = perform(world, operation)
            operation = steps.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    return None


def save(
    world: World, value: Record, *, key: Key = KEY, expected: str | None = None, limit: int = LIMIT
) -> bool | None:
    return run(world, entries.save(key, value, owner=OWNER, expected=expected, limit=limit))


def load(world: World, key: Key = KEY) -> Record | None:
    return run(world, entries.load(key))


def under(world: World, key: Key) -> list[str]:
    return [service for service in world if service.startswith(key.service)]


def finish(world: World, steps: Steps[T], operation: entries.Operation) -> T:
    while True:
        try:
            operation = steps.send(perform(world, operation))
        except StopIteration as stop:
            result: T = stop.value
            return result
