"""SIP: provisioning as the options of SIP.js and JsSIP, and the question to a registrar.

All functions of `options` are here. Only `registrar` does I/O; every other module is pure.
"""

from siperb.sip.options import check, contact_uri, extra_headers, jssip, sip_uri, sipjs, websocket_url

__all__ = ["check", "contact_uri", "extra_headers", "jssip", "sip_uri", "sipjs", "websocket_url"]
