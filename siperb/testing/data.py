"""The devices of the loopback API: their tokens, provisioning documents and JWTs.

Every value is made up, has the shape of a real one, and follows from a seed. No two users or devices share a value.
Hosts end in `.example`, which never resolves: code under test reaches nobody.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import attrs

DAY: Final = 24 * 60 * 60.0  # seconds


class Missing(enum.Enum):
    """The type of `MISSING`: the answer has no such field. `None` is a field of null."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING

Settings: TypeAlias = Mapping[str, object]

# The names of `siperb.Provisioning`, and the wire names under which a document says each.
WIRE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "registration_mode": ("RegistrationMode",),
    "profile_name": ("profileName", "ProfileUserName"),
    "sip_wss_server": ("wssServer", "SipWssServer"),
    "sip_websocket_port": ("WebSocketPort", "SipWebsocketPort"),
    "sip_server_path": ("ServerPath", "SipServerPath"),
    "contact_user_name": ("ContactUserName", "SipContact"),
    "sip_domain": ("SipDomain",),
    "sip_username": ("SipUsername",),
    "sip_password": ("SipPassword",),
    "sip_jwt": ("SipJwt",),
}

PHONE_SETTINGS: Final[Settings] = {
    "EnableCallRecording": False,
    "RecordAllCalls": False,
    "RecordOnlyAudioInVideoCall": True,
    "RecordingLayout": "them-pnp",
    "RecordingPosterJpegQuality": 0.6,
    "RecordingVideoFps": 12,
    "RecordingVideoSize": "HD",
    "EnableVideoCalling": False,
    "EnableConferenceCall": False,
    "TransportConnectionTimeout": 15,
    "UiCustomConfigMenu": True,
    "AutoAnswerEnabled": False,
    "DoNotDisturbEnabled": False,
    "CallWaitingEnabled": True,
    "VoiceMailSubscribe": True,
    "VoiceMailBoxUser": "",
    "RegisterExpires": 300,
    "ReconnectionAttempts": 999,
    "ReconnectionTimeout": 3,
    "AudioOutputId": "default",
    "AutoGainControl": True,
    "EchoCancellation": True,
    "NoiseSuppression": True,
    "IceStunServerJson": [{"urls": "stun:stun.siperb.example:3478"}],
    "Buddies": [{"display": "Zoë – Empfang", "exten": "701", "presence": None}],
    "welcomeScreen": None,
}


@attrs.frozen(eq=False)
class Device:
    """A device of the loopback API. `SiperbServer.change_device` and `SiperbServer.set_settings` change one."""

    user_id: str
    """The user that it belongs to."""
    token: str = attrs.field(repr=False)
    """The device token."""
    platform: str = "script"
    """The platform, e.g. "script"."""
    description: str = "Device"
    """The name."""
    settings: Settings | Missing | None = attrs.field(factory=dict[str, object], repr=False)
    """The settings laid over the generated document. None: the document is null. `MISSING`: there is none."""


def made_up(*names: object) -> str:
    """64 hex digits that follow from the names."""
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()


def made_up_session_token(*names: object) -> str:
    """127 characters, a comma among them, as the API's own."""
    letters = base64.b64encode(hashlib.sha512(made_up("session", *names).encode()).digest(), b"xy").decode()
    return f"{letters[:62]},{made_up('session-tail', *names)}"


def wire_settings(settings: Settings) -> dict[str, object]:
    """The same settings under wire names: a snake_case name of `siperb.Provisioning` sets all of its wire names."""
    return {wire: value for name, value in settings.items() for wire in WIRE_NAMES.get(name, (name,))}


def list_entry(device: Device) -> dict[str, object]:
    """What the list of devices says of one."""
    return {
        "DeviceToken": device.token,
        "Platform": device.platform,
        "Description": device.description,
        "LastSeen": None,
    }


@lru_cache(maxsize=1024)
def device_body(device: Device, password: bool, settings_json: bool, issued_at: int, lifetime: int) -> bytes:
    """The JSON of one device; its JWT is issued at the second `issued_at` and expires `lifetime` seconds later."""
    entry = list_entry(device)
    entry["Tags"] = []
    settings = device.settings
    if settings is None:
        entry["Settings_json"] = None
    elif not isinstance(settings, Missing):
        document = _document(device, wire_settings(settings), issued_at, lifetime)
        entry["RegistrationMode"] = document.get("RegistrationMode")
        if not password:
            for secret in ("SipPassword", "SipJwt"):
                document.pop(secret, None)
        entry["Settings_json"] = document
    if not settings_json:
        entry.pop("Settings_json", None)
    return to_json(entry)


def iso(seconds: float) -> str:
    """Seconds since 1970 as the API's time, which is UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _document(device: Device, settings: dict[str, object], issued_at: int, lifetime: int) -> dict[str, object]:
    def own(letter: str, name: str, digits: int) -> str:
        return letter + made_up(name, device.token)[:digits]

    generated = wire_settings(
        {
            "registration_mode": "Proxy",
            "profile_name": f"{device.description} | {700 + int(made_up('extension', device.token)[:4], 16) % 300}",
            "sip_websocket_port": "443",
            "sip_server_path": "/ws",
            "sip_wss_server": "ws-eu-west-1.siperb.example",
            "contact_user_name": own("c", "contact", 24),
            "sip_domain": f"d{made_up('domain', device.user_id)[:24]}.siperb.example",
            "sip_username": own("u", "username", 32),
            "sip_password": own("p", "password", 24),
        }
    )
    document = generated | settings
    if "SipJwt" not in settings:
        document["SipJwt"] = _jwt(device.user_id, document, issued_at, lifetime)
    document = document | {name: value for name, value in PHONE_SETTINGS.items() if name not in settings}
    return {name: value for name, value in document.items() if value is not MISSING}


def _jwt(user_id: str, document: dict[str, object], issued_at: int, lifetime: int) -> str:
    """A token with the header and the claims of a real one. Its signature is made-up bytes: it verifies nowhere."""
    user, domain, audience = (document[name] for name in ("SipUsername", "SipDomain", "SipWssServer"))
    claims = {
        "sub": f"{user}@{domain}",
        "sip_user": user,
        "domain": domain,
        "user_id": user_id,
        "scope": "sip:register sip:invite",
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "aud": audience,
    }
    said = {name: value for name, value in claims.items() if value is not MISSING}
    signature = b"".join(hashlib.sha256(f"{part}/{issued_at}/{user}".encode()).digest() for part in range(8))
    header = to_json({"alg": "RS256", "typ": "JWT", "kid": "v1"})
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, to_json(said), signature))
