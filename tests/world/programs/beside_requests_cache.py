"""requests-cache, installed for the whole process, keeps nothing of siperb's; a session of one's own with it does."""

import requests_cache

from siperb import Siperb
from siperb.testing import SiperbServer

requests_cache.install_cache("kept", backend="memory")
with SiperbServer() as server:
    for session in None, requests_cache.CachedSession("own", backend="memory"):
        with Siperb(server.pat, base_url=server.base_url, strict=True, http_session=session) as client:
            server.clear()
            print(len(client.get_devices() + client.get_devices()), len(server.requests))
    print(list(requests_cache.get_cache().responses))
