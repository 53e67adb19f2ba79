"""Log in, list the devices, fetch the SIP credentials of the first one. The token comes from SIPERB_PAT."""

from siperb import Siperb

with Siperb(strict=True) as client:
    session = client.login()
    print("Logged in as user", session.user_id)

    devices = client.get_devices()
    for device in devices:
        print("Device:", device.description)

    if devices:
        provisioning = client.get_provisioning(devices[0].device_token)
        print("SIP user:", provisioning.sip_username, "at", provisioning.sip_domain)
        print("Registrar:", provisioning.sip_wss_server, provisioning.sip_websocket_port, provisioning.sip_server_path)
