"""The API is what its OpenAPI document says: the committed snapshot, and every route fuzzed from it with all checks."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode

from dicom_node.api import openapi
from dicom_node.api.access.cookies import SESSION
from tests.builders import dx_film
from tests.clinical_desk import ClinicalDesk, clinical_desk

HOST = "testserver"
UNBOUNDED = 100_000
EXAMPLES = 20
ACCEPTED = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]
"""What may become of a request that the document allows: 412, and 422 for a cursor, a key or a region of another
study, depend on what is there. What it forbids is 422 too, and never accepted: that is checked apart."""
STREAMS = ("watch_node", "watch_study")
"""Streams of events do not end by themselves; `test_api_events` listens to them."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicalDesk]:
    limits = dict.fromkeys(("rate_per_minute", "image_rate_per_minute", "login_failures_per_minute"), UNBOUNDED)
    with clinical_desk(tmp_path_factory.mktemp("contract"), api=limits | {"allowed_hosts": [HOST]}) as desk:
        yield desk


@pytest.fixture(scope="module")
def ids(desk: ClinicalDesk) -> dict[str, list[Any]]:
    """What really is there, by path parameter: some drafts to spoil."""
    studies = [desk.draft(dx_film(study=number)) for number in range(4)]
    reports = [desk.report(uid) for uid in studies]
    return {
        "study_uid": studies,
        "report_id": [one["id"] for one in reports],
        "sop_instance_uid": [made["sop_instance_uid"] for one in reports for made in one["documents"]],
        "version": [1, 2],
    }


@pytest.fixture(scope="module")
def schema(desk: ClinicalDesk, ids: dict[str, list[Any]]) -> Any:
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}})
    loaded = schemathesis.openapi.from_asgi("/openapi.json", desk.client.app, config=config)
    chosen = random.Random(0)

    @loaded.hook
    def map_case(_context: Any, case: Any) -> Any:
        """Of requests that the document allows most get as far as the act: with ids and versions that are there."""
        if case.meta is None or not case.meta.generation.mode.is_positive or chosen.random() < 0.2:
            return case
        case.path_parameters.update({name: chosen.choice(ids[name]) for name in ids if name in case.path_parameters})
        case.query.pop("cursor", None)
        if "if-match" in case.headers:
            stands = desk.client.get(f"/api/v1/reports/{case.path_parameters['report_id']}")
            case.headers["if-match"] = stands.headers["etag"]
        if "idempotency-key" in case.headers:
            case.headers["idempotency-key"] = str(chosen.random())
        return case

    return loaded


@pytest.fixture(scope="module")
def cookie(desk: ClinicalDesk) -> Iterator[str]:
    with desk.person() as browser:
        yield browser.cookies[SESSION]


def routes() -> list[str]:
    """Operation ids of the snapshot."""
    paths = json.loads(openapi.SNAPSHOT.read_text("utf-8"))["paths"]
    found = [route["operationId"] for path, item in paths.items() if path[:6] != "/auth/" for route in item.values()]
    return [name for name in found if name not in STREAMS]


@pytest.mark.parametrize("name", routes())
def test_every_answer_is_one_that_the_document_describes(name: str, schema: Any, cookie: str) -> None:
    """Requests as the document allows them and as it does not, half of each where there is such a thing."""
    operation = schema.find_operation_by_id(name)
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

    @given(case=one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def every(case: Any) -> None:
        case.call_and_validate(cookies={SESSION: cookie}, headers={"Origin": f"http://{HOST}"})

    every()


def test_the_snapshot_is_the_document(desk: ClinicalDesk) -> None:
    told = openapi.written(desk.client.app)
    assert openapi.SNAPSHOT.read_text("utf-8") == told, "python -m dicom_node.api.openapi writes it anew"


def test_every_route_has_a_name_a_tag_a_summary_and_its_problems_as_problems(desk: ClinicalDesk) -> None:
    document = desk.client.get("/openapi.json").json()
    for path, item in document["paths"].items():
        for method, route in item.items():
            assert route.get("operationId"), (path, method)
            assert route.get("tags"), (path, method)
            assert route.get("description"), (path, method)
            for status, answer in route["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
