"""The question to a registrar, asked by a facade, and an answer that is none."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest
from facades import Facade

from siperb import Provisioning, RegistrarError, Registration


def check(facade: Facade, phone: Provisioning, *, insecure: bool = True, **options: Any) -> Registration:
    client = facade.client(**options)
    registration: Registration = facade.call(client.check_registration, phone, insecure=insecure)
    return registration


def fails(
    facade: Facade, phone: Provisioning, kind: type[RegistrarError], match: str, or_kind: Any = None, **options: Any
) -> None:
    with pytest.raises(RegistrarError, match=match) as caught:
        check(facade, phone, **options)
    error = caught.value
    assert type(error) in (kind, or_kind)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not re.search("127.0.0.1|s3cret|n0nce|u700", str(error))
    assert re.fullmatch(r"[A-Z].+\.", str(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
