"""What the cache does to a process: to its start, its exit, its forks, and to the processes beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HELPERS = Path(__file__).parents[1] / "helpers"


def run_python(code: str, **environment: str) -> str:
    search = os.pathsep.join([str(HELPERS), *filter(None, sys.path)])
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": search, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_hung_keyring_does_not_hold_the_exit() -> None:
    code = (
        "import keyring; from backends import HangingKeyring; from cache_contract import KEY;"
        "from siperb.cache import KeyringCache;"
        "keyring.set_keyring(HangingKeyring()); print(KeyringCache(timeout=0.1).load(KEY))"
    )
    assert run_python(code) == "None\n"


def test_importing_the_cache_loads_no_keyring_and_no_event_loop() -> None:
    heavy = {"keyring", "asyncio", "concurrent.futures", "requests", "aiohttp", "cattrs"}
    assert run_python(f"import sys, siperb.cache; print({heavy} & set(sys.modules))") == "set()\n"


def test_the_keyring_is_not_imported_in_the_callers_thread() -> None:
    code = (
        "import sys, threading, builtins\n"
        "from siperb.cache import KeyringCache\n"
        "from cache_contract import KEY\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'keyring': print(threading.current_thread().name)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "KeyringCache(timeout=30).load(KEY)\n"
    )
    assert run_python(code, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring") == "siperb-keyring\n"


FORK = """
import keyring, os, tempfile, threading
from backends import HangingKeyring, MemoryKeyring
from cache_contract import KEY, OWNER, record
from siperb.cache import KeyringCache, MemoryCache
def leave_lock_file():  # which the parent holds, as it should
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp()
"""


def test_a_child_forked_while_a_call_hangs_has_a_thread_of_its_own() -> None:
    code = """
backend = HangingKeyring()
keyring.set_keyring(backend)
cache = KeyringCache(timeout=30)
threading.Thread(target=cache.load, args=(KEY,), daemon=True).start()
assert backend.entered.wait(30)
child = os.fork()
if not child:
    leave_lock_file()
    keyring.set_keyring(MemoryKeyring())
    saved = record()
    stored = cache.save(KEY, saved, owner=OWNER) and cache.load(KEY) == saved
    os._exit(0 if stored else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
backend.release.set()
"""
    assert run_python(FORK + code) == "0\n"


def test_a_child_forked_while_a_memory_cache_is_locked_can_use_it() -> None:
    code = """
cache = MemoryCache()
with cache._lock:
    child = os.fork()
    if not child:
        os._exit(0 if cache.save(KEY, record(), owner=OWNER) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(FORK + code) == "0\n"


def test_a_child_is_not_kept_in_the_pause_of_a_call_that_hangs_in_its_parent() -> None:
    code = """
backend, now = HangingKeyring(), 0.0
keyring.set_keyring(backend)
cache = KeyringCache(timeout=0.1, clock=lambda: now)
assert cache.load(KEY) is None
child = os.fork()
if not child:
    leave_lock_file()
    now, saved = 61.0, record()
    keyring.set_keyring(MemoryKeyring())
    os._exit(0 if cache.save(KEY, saved, owner=OWNER) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
backend.release.set()
"""
    assert run_python(FORK + code) == "0\n"
