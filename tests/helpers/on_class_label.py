"""An extension of griffe, named in mkdocs.yml: the reference labels the methods that work on the class too."""

from __future__ import annotations

from typing import Any

import griffe


class OnClassLabel(griffe.Extension):
    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        if any(str(decorator.value).endswith("OnClassToo") for decorator in func.decorators):
            func.labels.add("also on the class")
