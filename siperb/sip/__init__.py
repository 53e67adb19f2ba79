"""SIP: functions that turn provisioning into the options of SIP.js and JsSIP. They do no I/O."""

from siperb.sip.addresses import check, contact_uri, sip_uri, websocket_url
from siperb.sip.options import extra_headers, jssip, sipjs

__all__ = ["check", "contact_uri", "extra_headers", "jssip", "sip_uri", "sipjs", "websocket_url"]
