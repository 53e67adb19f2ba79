"""A phone in Python: it registers with Siperb's credentials, calls, and is called. Provisional."""

from siperb.phone.phone import Call, Phone
from siperb.phone.states import CallEnd, CallState, EndReason

__all__ = ["Call", "CallEnd", "CallState", "EndReason", "Phone"]
