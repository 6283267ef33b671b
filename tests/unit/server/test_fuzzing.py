"""Requests made up from the description that the server gives of itself: none is answered with a 5xx, and each answer
is one that the description tells of."""

import json
import warnings
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.unit.server.conftest import GUIDE, KEY, RunningServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

pytestmark = pytest.mark.loopback
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@pytest.mark.parametrize("examples", [5, pytest.param(300, marks=pytest.mark.soak)])
def test_no_request_brings_the_server_down(serve: Callable[[FakeEngine], RunningServer], examples: int) -> None:
    running = serve(FakeEngine([FakeAnswer("Hello.")], at_once=True))
    schema = schemathesis.openapi.from_url(f"{running.top}/openapi.json", headers={"x-api-key": KEY})
    operations: list[Any] = [each.ok() for each in cast(Any, schema.get_all_operations())]
    assert len(operations) == 9
    for operation in operations:
        _try(operation, examples)
    seen = {each.status for each in running.server.state().requests}
    assert {200, 400, 404} <= seen, "requests have to come as far as an answer"


def _try(operation: Any, examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        if isinstance(case.body, dict) and len(json.dumps(case.body, default=str)) % 2:
            case.body["model"] = GUIDE
        response = case.call(headers={"x-api-key": KEY})
        case.validate_response(response, checks=_CHECKS)

    run()
