import json

import msgspec
import pytest
from storage.run_records import make_run

from pomona.settings import ReduceSettings, RunSettings
from pomona.storage.records import (
    ModelRecord,
    RunRecord,
    json_schema,
    parse_record,
    replace,
    to_json,
    to_plain,
)
from tools.write_schemas import FOLDER, SCHEMAS, render_schema


def test_a_run_reads_back_as_it_was_written():
    run = make_run("é")
    run = replace(
        run,
        settings=replace(
            run.settings, reduce=ReduceSettings(components=325), run=RunSettings(export=("csv",))
        ),
    )
    content = to_json(run)
    assert parse_record(content, RunRecord) == run
    assert json.loads(content) == to_plain(run)
    assert "é" in content.decode()
    assert content.endswith(b"}\n")


def test_what_did_not_happen_is_not_written_and_what_is_not_known_is_null():
    plain = to_plain(make_run("x"))
    assert "training" not in plain
    assert plain["n_components"] is None


def test_a_later_pomona_may_add_keys():
    plain = to_plain(make_run("x")) | {"new_key": 1}
    assert parse_record(json.dumps(plain).encode(), RunRecord) == make_run("x")


def test_files_from_before_there_was_a_version_are_read():
    plain = to_plain(make_run("x"))
    del plain["format_version"]
    assert parse_record(json.dumps(plain).encode(), RunRecord).format_version == 0


@pytest.mark.parametrize("type", [RunRecord, ModelRecord])
def test_the_schema_is_json_schema_and_names_every_field(type):
    schema = json_schema(type)
    fields = schema["$defs"][type.__name__]["properties"]
    assert set(fields) == {field.name for field in msgspec.structs.fields(type)}
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
    if type is RunRecord:
        jsonschema.validate(to_plain(make_run("x")), schema)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_in_the_reference_are_fresh(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == render_schema(name), "run: make format"
