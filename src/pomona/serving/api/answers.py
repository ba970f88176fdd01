"""What the API says: answers, the model's public record, the configuration, as plain values."""

from importlib.metadata import version
from typing import Any, Final

from pomona.facts import LANGUAGES, load_facts
from pomona.recognition.decisions import fruit_probabilities
from pomona.recognition.model import Model
from pomona.serving.api.names import fruit_name, label_name, label_names
from pomona.serving.api.wording import CONSENT, CONSENT_VERSION
from pomona.serving.predictor import Identified
from pomona.settings import ServeSettings

__all__ = [
    "describe_answer",
    "describe_config",
    "describe_facts",
    "describe_model",
    "identify_model",
    "model_fruits",
]

VERSION_DIGITS: Final = 12


def identify_model(model: Model) -> dict[str, Any]:
    """Return ``version, sha256, size_bytes, url`` of the network."""
    sha256 = model.network.sha256
    return {
        "version": sha256[:VERSION_DIGITS],
        "sha256": sha256,
        "size_bytes": model.network.size_bytes,
        "url": f"/v1/model/{sha256}/recogniser.onnx",
    }


def describe_model(model: Model) -> dict[str, Any]:
    """Return what anybody may know of ``model.json``: no path, no source, no count by folder."""
    metrics = model.record.metrics or {}
    return {
        **identify_model(model),
        "labels": [
            {"label": label.label, "fruit_id": label.fruit_id, "names": label_names(label)}
            for label in model.labels
        ],
        "preprocessing": model.preprocessing.as_dict(),
        "decision": {
            "rejection_threshold": model.rule.rejection_threshold,
            "variety_min": model.rule.variety_min,
            "fruit_min": model.rule.fruit_min,
        },
        "metrics": {
            name: value for name, value in metrics.items() if isinstance(value, int | float)
        },
        "licences": model.record.licences or [],
    }


def describe_config(settings: ServeSettings, model: Model, *, on_device: bool) -> dict[str, Any]:
    """Return what the page needs to know of the server."""
    contributing = settings.contributing
    return {
        "version": version("pomona"),
        "languages": list(LANGUAGES),
        "max_photos": settings.limits.max_photos,
        "max_bytes": settings.limits.max_bytes,
        "contributions": {
            "enabled": contributing is not None,
            "consent_version": CONSENT_VERSION,
            "retention_days": contributing.retention_days if contributing else None,
            "consent": CONSENT,
        },
        "on_device": on_device,
        "model": identify_model(model),
    }


def model_fruits(model: Model) -> list[str]:
    """Return the fruits a model knows and the facts know, in the order of its labels."""
    known = load_facts()
    fruit_ids = dict.fromkeys(label.fruit_id for label in model.labels)
    return [fruit_id for fruit_id in fruit_ids if fruit_id in known and fruit_id is not None]


def describe_facts(model: Model, lang: str) -> dict[str, Any]:
    """Return the fact sheets of every fruit of a model."""
    facts = load_facts(lang)
    return {
        "lang": lang,
        "fruits": {fruit_id: facts[fruit_id].as_dict() for fruit_id in model_fruits(model)},
    }


def describe_answer(identified: Identified, model: Model, *, lang: str, top: int) -> dict[str, Any]:
    """Return the answer of ``POST /v1/identify``."""
    answer = identified.answer
    facts = load_facts(lang).get(answer.fruit_id) if answer.fruit_id is not None else None
    return {
        "decision": answer.decision,
        "label": answer.label,
        "fruit_id": answer.fruit_id,
        "name": _answer_name(identified, lang),
        "probability": answer.probability,
        "strangeness": answer.strangeness,
        "varieties": [
            {
                "label": candidate.label,
                "name": label_name(candidate.label, candidate.fruit_id, lang),
                "fruit_id": candidate.fruit_id,
                "probability": candidate.probability,
            }
            for candidate in answer.top
        ],
        "fruits": _rank_fruits(identified, model, lang=lang, top=top),
        "facts": None if facts is None else facts.as_dict(),
        "model_version": identify_model(model)["version"],
        "timing_ms": {
            "decode": round(1e3 * identified.decode_s, 1),
            "network": round(1e3 * identified.network_s, 1),
            "total": round(1e3 * identified.total_s, 1),
        },
    }


def _answer_name(identified: Identified, lang: str) -> str | None:
    answer = identified.answer
    if answer.label is None:
        return None
    if answer.decision == "fruit":
        return fruit_name(answer.fruit_id, lang) or answer.label
    return label_name(answer.label, answer.fruit_id, lang)


def _rank_fruits(
    identified: Identified, model: Model, *, lang: str, top: int
) -> list[dict[str, Any]]:
    probabilities, fruits = fruit_probabilities(identified.scores.probabilities, model.labels)
    first = {label.fruit: label for label in reversed(model.labels)}
    order = (-probabilities[0]).argsort(kind="stable")[:top]
    ranked = []
    for i in order:
        label = first[fruits[i]]
        name = fruit_name(label.fruit_id, lang) or label_name(label.label, label.fruit_id, lang)
        ranked.append(
            {"fruit_id": label.fruit_id, "name": name, "probability": float(probabilities[0][i])}
        )
    return ranked
