"""The tests of the documentation site, for `tox -e docs`. Elsewhere its tools are not installed: there are no tests."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("zensical") is None:
    collect_ignore_glob = ["test_*.py"]
