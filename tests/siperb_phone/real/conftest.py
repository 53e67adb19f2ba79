"""The fixtures of these tests, and no test where aiortc cannot be: it needs Python 3.11."""

from importlib.util import find_spec

if find_spec("aiortc"):
    from real_phones import (  # noqa: F401
        chromium_fixture,
        jssip_fixture,
        registrar_fixture,
        sipjs_fixture,
        talker_fixture,
        talkers_fixture,
    )
else:
    collect_ignore_glob = ["test_*.py"]
