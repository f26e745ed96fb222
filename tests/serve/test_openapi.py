"""Requests that schemathesis makes from the OpenAPI of the service are answered as it says."""

from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def operations(start_service, tmp_path):
    """The operations of a service that saves corrections."""
    client = start_service(corrections=tmp_path / "corrections")
    schema = schemathesis.openapi.from_url(str(client.base_url.join("/openapi.json")))
    return [found.ok() for found in schema.get_all_operations()]


def test_every_operation_is_described(operations):
    assert len(operations) == 13
    for operation in operations:
        definition = operation.definition.raw
        assert definition["description"]
        assert operation.path == "/healthz" or "401" in definition["responses"]


@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_are_as_described(operations, mode):
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not _has_input(operation):
            continue

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            case.validate_response(case.call(), checks=CHECKS)

        with suppress(Unsatisfiable):  # every value of its parameters may be valid
            check()


def _has_input(operation):
    definition = operation.definition.raw
    return bool(definition.get("parameters") or definition.get("requestBody"))
