"""schemathesis, bounded: what fits the API's description, or nearly, never is a 5xx."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from pomona.settings import Contributing

N_EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_fits_the_description_breaks_the_server(start, tmp_path, mode):
    running = start(contributing=Contributing(tmp_path / "contrib", 30))
    schema = openapi.from_dict(running.app.openapi())
    asked, statuses = set(), set()
    for result in schema.get_all_operations():
        operation = result.ok()
        asked.add(operation.label)
        cases = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=N_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def probe(case):
            response = case.call(base_url=f"http://127.0.0.1:{running.port}", timeout=20)
            statuses.add(response.status_code)
            assert response.status_code < 500, case.as_curl_command()
            case.validate_response(response, checks=CHECKS)

        # Of an operation without parameters nothing can be wrong.
        with suppress(Unsatisfiable):
            probe()
    expected = {"POST /v1/identify", "POST /v2/identify/{project}", "GET /v1/facts/{fruit_id}"}
    assert expected <= asked
    assert statuses & {400, 404, 415, 422}
