"""Print what changes on the node, for ever; goes on where it left off when the connection ends."""

import json
import os
import time

import httpx

headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
with httpx.Client(base_url=os.environ["NODE"], headers=headers, timeout=60) as http:
    while True:
        name = ""
        with http.stream("GET", "/api/v1/events") as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    http.headers["Last-Event-ID"] = value
                elif field == "event":
                    name = value
                elif field == "data" and name in ("study", "report"):
                    changed = json.loads(value)
                    print(name, changed["study_uid"], changed["state"], flush=True)
        time.sleep(1)
