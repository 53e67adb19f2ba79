"""Any operation by its method and path, documented or not.

Checked when it is made, so that nothing is sent of an operation that cannot be carried out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from siperb.core.operations import HOME, Operation
from siperb.core.wire import Response, parse_json, parse_list, path_part
from siperb.errors import ConfigurationError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PLACEHOLDER = r"\{([A-Za-z_][A-Za-z0-9_]*)\}"
_OWN = r"/Users/\{(?:user_id|uID)\}(?:/DomainUsers/\{domain_user_id\})?(?=/|\Z)"
_DOMAIN_USERS = r"(?i)/+DomainUsers(?:/|\Z)"
_TYPED = r"(?!\.\.?\Z)[A-Za-z0-9._~!$&'()*+,;=:@-]+"
_NEW_EACH_TIME = r"(?i)/(ResetPassword|oAuth/[^/]+|ValidateAudioCallLink|Voicemail/Greeting)(/|\Z)"
_MAY_BE_AN_ID = r"[0-9@]|.{25}"


def operation(
    method: str,
    path: str,
    ids: Mapping[str, str] | None = None,
    *,
    params: Mapping[str, object] | None = None,
    json: object = None,
    repeatable: bool | None = None,
    is_list: bool = False,
    in_view: bool = False,
    understand: Callable[[Any], Any] | None = None,
) -> Operation[Any]:
    """The operation; `ConfigurationError` for one that cannot be sent.

    path: ``{user_id}`` and ``{uID}`` stand for the session's user, other ``{names}`` for those of `ids`.
    in_view: the path's user is then a domain user. params: the query; True is "yes", False is "no", None is left out.
    repeatable: whether it may be sent twice; None goes by the method, and by the PUTs that make something new each
    time. is_list: all pages are wanted. understand: makes a model of the answer's JSON.
    """
    verb = str(method).upper()
    if verb not in METHODS:
        raise ConfigurationError(f"The method must be one of {', '.join(METHODS)}.")
    path = _of_domain_user(path) if in_view else path
    filled = _filled(path, ids or {})
    if filled.rstrip("/").lower() == "/login":
        raise ConfigurationError("This is what login() does: call it.")
    if repeatable is None:
        repeatable = verb not in ("POST", "PATCH") and not (verb == "PUT" and re.search(_NEW_EACH_TIME, filled))
    if is_list and params and "nextToken" in params:
        raise ConfigurationError("The pages of a list are asked for by themselves: leave out nextToken.")
    query = _query(params or {})
    template = _template(path)
    what = f"answer to {verb} {template}"

    def parse(response: Response) -> Any:
        answer = parse_list(response, what) if is_list else _value(response, what)
        return answer if understand is None else understand(answer)

    return Operation(verb, f"{filled}?{query}" if query else filled, template, parse, _body(json), repeatable, is_list)


def _of_domain_user(path: str) -> str:
    """The path with ``/Users/{user_id}`` for the domain user, however it was said."""
    found = re.match(_OWN, path) if isinstance(cast(object, path), str) else None
    if found is None or re.match(_DOMAIN_USERS, path[found.end() :]):
        raise ConfigurationError(
            'In a view the path begins with "/Users/{user_id}", which is the domain user\'s, and has no domain users '
            "below it: call other paths on the client itself."
        )
    return HOME + path[found.end() :]


def _filled(path: object, ids: Mapping[str, str]) -> str:
    """The path with the ids quoted; the user's stays a placeholder."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(
            'The path must begin with "/", as in "/Users/{user_id}/Devices": without the base_url.'
        )
    unused = set(ids)
    parts: list[str] = []
    typed = path[1:].split("/")
    for number, part in enumerate(typed):
        if found := re.fullmatch(_PLACEHOLDER, part):
            name = found[1]
            if name in ("user_id", "uID"):
                parts.append("{user_id}")
            elif name in ids:
                unused.discard(name)
                parts.append(path_part(name, ids[name]))
            else:
                raise ConfigurationError(f"The path has {part}: pass {name}=, too.")
        elif re.fullmatch(_TYPED, part) or (not part and number == len(typed) - 1):
            parts.append(part)
        else:
            raise ConfigurationError(
                "The path has a part that is empty, dots, or holds what a path cannot (a query belongs into params): "
                'write a placeholder for it, as in "/Users/{user_id}/PAT/{id}", and pass id=.'
            )
    if unused:
        raise ConfigurationError(f"The path has no placeholder for {', '.join(sorted(unused))}: correct it.")
    return "/" + "/".join(parts)


def _template(path: str) -> str:
    """The path as it was typed, without what may be an id."""
    path = re.sub(r"\{(user_id|uID)\}", "{id}", path)
    shown = (
        "{…}" if re.search(_MAY_BE_AN_ID, part) and not re.fullmatch(_PLACEHOLDER, part) else part
        for part in path.split("/")
    )
    return "/".join(shown)


def _query(params: object) -> str:
    if not isinstance(params, Mapping):
        raise ConfigurationError(f"The params must be a mapping, not {type(params).__name__}.")
    pairs: list[str] = []
    for name, value in cast("Mapping[object, object]", params).items():
        if not isinstance(name, str) or not name:
            raise ConfigurationError("The names of params must be str.")
        if value is None:
            continue
        if not isinstance(value, (str, int)):
            raise ConfigurationError(f"The params take str, int, bool and None, not {type(value).__name__}.")
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        try:
            pairs.append(f"{quote(name, safe='')}={quote(text, safe='')}")
        except UnicodeEncodeError:
            pairs.clear()
            break
    else:
        return "&".join(pairs)
    raise ConfigurationError("The params hold half of a surrogate pair, which no URL can.")


def _body(value: object) -> bytes:
    if value is None:
        return b""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # an error of the library's own names the value
    raise ConfigurationError("The json cannot be sent: it takes dict, list, str, int, float (no NaN), bool and None.")


def _value(response: Response, what: str) -> Any:
    if not response.body:
        return None
    kind = response.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind.endswith("json") or kind == "text/html":  # which a proxy says, and no operation
        return parse_json(response, what)
    return response.body
