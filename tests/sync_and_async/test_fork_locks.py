"""No lock of the package is inherited locked by a forked child, whichever thread holds it at that moment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from siperb.testing import SiperbServer

# Every lock that is reachable from a module or an object of the package is taken by a thread that never gives it back.
PROGRAM = '''
import asyncio, gc, os, pkgutil, sys, threading, types
from importlib import import_module

import siperb
from siperb import AsyncSiperb, KeyringCache, MemoryCache, Siperb
from siperb.sync.on_class import default_client

LOCKS = (type(threading.Lock()), type(threading.RLock()))
SIDE_ROOMS = ("siperb.testing.", "siperb.cli.", "siperb.phone.", "siperb.__main__.")  # in no forked child

def is_ours(module):
    return isinstance(module, str) and f"{module}.".startswith("siperb.") and not f"{module}.".startswith(SIDE_ROOMS)

CONTAINERS = (dict, list, tuple, set, frozenset, types.CellType)

def inside(name, thing):
    """What is in a container, an attribute or a closure of ours; nothing of what belongs to others."""
    kind = type(thing)
    if kind in CONTAINERS:
        named = thing.items() if kind is dict else ()
        yield from ((f"{name}.{key}", value) for key, value in named)
        yield from ((name, value) for value in gc.get_referents(thing) if kind is not dict)
    elif kind is types.FunctionType:
        yield from ((f"{name}()", cell) for cell in thing.__closure__ or ())
    elif is_ours(getattr(thing if kind is type else kind, "__module__", "")) or kind.__module__ == "threading":
        name = thing.__qualname__ if kind is type else kind.__qualname__
        slots = (slot for one in kind.__mro__ for slot in vars(one).get("__slots__", ()))
        names = {*getattr(thing, "__dict__", {}), *slots} - {"_left_to_parent", "__weakref__"}  # kept, and never used
        yield from ((f"{name}.{key}", getattr(thing, key)) for key in sorted(names) if hasattr(thing, key))

def locks():
    found, seen = {}, {}
    waiting = [(name, dict(vars(module))) for name, module in list(sys.modules.items()) if is_ours(name)]
    waiting += [("client", client) for client in clients]
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (threading.Thread, types.ModuleType)):
            continue
        seen[id(thing)] = thing  # alive, lest another one have its id
        if isinstance(thing, LOCKS):
            found.setdefault(id(thing), (name, thing))
        else:
            waiting += inside(name, thing)
    return list(found.values())

for module in pkgutil.walk_packages(siperb.__path__, "siperb."):
    if is_ours(module.name):
        import_module(module.name)
url, pat = sys.argv[1:]
memory, clients = MemoryCache(), []
for cache in (memory, KeyringCache()):
    clients.append(Siperb(pat, base_url=url, cache=cache, state=None))
    assert clients[-1].get_devices(enable_cache=True) and clients[-1].get_devices(enable_cache=True)
    clients[-1].close()
clients.append(default_client(Siperb))

async def use():
    clients.append(AsyncSiperb(pat, base_url=url, cache=memory))
    assert await clients[-1].get_devices(enable_cache=True)
asyncio.run(use())

held, taken = threading.Event(), []
def take_all():
    taken.extend(name for name, lock in locks() if lock.acquire(blocking=False))
    held.set()
    threading.Event().wait()
threading.Thread(target=take_all, daemon=True).start()
assert held.wait(30)
child = os.fork()
if not child:
    locked = [name for name, lock in locks() if not lock.acquire(blocking=False)]
    print(*locked, sep="\\n", flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(*taken, sep="\\n", file=sys.stderr)
sys.stderr.flush()
os._exit(0)
'''


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_a_forked_child_inherits_no_lock_that_is_held(server: SiperbServer) -> None:
    command = [sys.executable, "-c", PROGRAM, server.base_url, server.pat]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    taken = done.stderr.split()
    assert done.returncode == 0, done.stderr
    assert {"MemoryCache._lock", "Importing._lock"} <= set(taken)  # it looks where they are
    assert done.stdout.split() == []
