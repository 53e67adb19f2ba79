"""A phone in Python: it registers with Siperb's credentials, calls, and is called. Provisional."""

from siperb.phone.call import Call
from siperb.phone.incoming import IncomingCall
from siperb.phone.outgoing import OutgoingCall
from siperb.phone.phone import Phone
from siperb.phone.states import CallEnd, CallState, EndReason

__all__ = ["Call", "CallEnd", "CallState", "EndReason", "IncomingCall", "OutgoingCall", "Phone"]
