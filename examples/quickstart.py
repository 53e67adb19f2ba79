"""Log in, list the devices, fetch the SIP credentials of the first one. The token comes from SIPERB_PAT."""

from siperb import Siperb

session = Siperb.login()
print("Logged in as user", session.user_id)

devices = Siperb.get_devices() or []
for device in devices:
    print("Device:", device.description)

if devices:
    provisioning = Siperb.get_provisioning(devices[0].device_token)
    if provisioning:
        print("SIP user:", provisioning.sip_username, "at", provisioning.sip_domain)
        print("Registrar:", provisioning.sip_wss_server, provisioning.sip_websocket_port, provisioning.sip_server_path)
