"""The two web phones as fixtures of every module here."""

from phone_pair import (  # noqa: F401
    built_fixture,
    chromium_fixture,
    opened_fixture,
    pair_fixture,
    registrar_fixture,
    server_fixture,
    third_fixture,
)
