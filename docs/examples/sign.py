"""Decide on every finding of a draft and sign it, as a radiologist: python sign.py STUDY_UID"""

import os
import sys
import uuid

import httpx

node, study = os.environ["NODE"], sys.argv[1]
# The node's own page sends the Origin header too: without it, a cookie changes nothing.
with httpx.Client(base_url=node, headers={"Origin": node}) as http:
    person = {"token": os.environ["TOKEN"], "name": "Reader^One", "organisation": "Radiology"}
    http.post("/auth/session", json=person).raise_for_status()

    newest = http.get(f"/api/v1/studies/{study}/reports").raise_for_status().json()["reports"][0]
    shown = http.get(f"/api/v1/reports/{newest['id']}").raise_for_status()
    decisions = [
        {"verdict": "accepted" if finding["presence"] == "absent" else "rejected", "tracking_uid": uid}
        for finding in shown.json()["findings"]
        for uid in [finding["tracking_uid"]]
    ]

    # The ETag says which version was decided on: if somebody saved another one since, the answer is 412.
    saved = http.put(
        f"/api/v1/reports/{newest['id']}", json={"decisions": decisions}, headers={"If-Match": shown.headers["ETag"]}
    ).raise_for_status()
    signed = http.post(
        f"/api/v1/reports/{newest['id']}/sign",
        json={},
        headers={"If-Match": saved.headers["ETag"], "Idempotency-Key": str(uuid.uuid4())},
    ).raise_for_status()
    print(signed.json()["state"], "by", signed.json()["signed_by"]["name"])
