"""SIP: from provisioning to the options of SIP.js and JsSIP, and to the question whether a registrar takes it. Pure.

Every function of `options` is to be had here. `register` asks for the bindings of an account, with `message` and
`digest`; `fields` reads what all of them need of a provisioning.
"""

from siperb.sip.options import contact_uri, extra_headers, jssip, sip_uri, sipjs, websocket_url

__all__ = ["contact_uri", "extra_headers", "jssip", "sip_uri", "sipjs", "websocket_url"]
