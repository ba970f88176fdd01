"""Write the JSON schemas of run.json, model.json and evaluation.json to docs/reference."""

import json
from pathlib import Path

from pomona.storage.records import ModelRecord, RunRecord, json_schema
from pomona.storage.scores import EvaluationRecord

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
SCHEMAS = {
    "run.schema.json": RunRecord,
    "model.schema.json": ModelRecord,
    "evaluation.schema.json": EvaluationRecord,
}


def render_schema(name: str) -> str:
    """Return the text of one schema file."""
    return json.dumps(json_schema(SCHEMAS[name]), indent=1) + "\n"


if __name__ == "__main__":
    for name in SCHEMAS:
        (FOLDER / name).write_text(render_schema(name), encoding="utf-8")
