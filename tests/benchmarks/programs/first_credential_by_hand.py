"""The same on requests."""

import json
import os

import requests

base_url = os.environ["SIPERB_BASE_URL"]
with requests.Session() as http:
    http.headers["Content-Type"] = "application/json"
    answer = http.post(
        f"{base_url}/Login", headers={"Authorization": f"Bearer {os.environ['SIPERB_PAT']}"}, timeout=(5, 30)
    )
    answer.raise_for_status()
    session = json.loads(answer.content)
    answer = http.get(
        f"{base_url}/Users/{session['UserId']}/Devices/{os.environ['DEVICE_TOKEN']}/?password=yes&settings_json=yes",
        headers={"X-Api-Key": session["SessionToken"]},
        timeout=(5, 30),
    )
    answer.raise_for_status()
    device = json.loads(answer.content)
    assert device["Platform"] == "script"
    assert device["Settings_json"]["SipUsername"]
