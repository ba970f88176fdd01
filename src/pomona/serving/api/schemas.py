"""What the API's description says of bodies and refusals."""

from typing import Any, Final

__all__ = ["REFUSALS", "REFUSALS_V2", "identify_body", "multipart_body"]

_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "advice"],
            "properties": {
                "code": {"type": "string", "description": "Stable word for programs."},
                "message": {"type": "string", "description": "What and why."},
                "advice": {"type": "string", "description": "What to do."},
            },
        }
    },
}
_WORDS: Final = {
    400: "The body is damaged or holds no photograph",
    401: "The key is missing or wrong",
    404: "There is no such thing",
    408: "The body arrives too slowly",
    413: "Too large, too many parts or too many pixels",
    415: "Not multipart, or not a picture of a known format",
    422: "A picture or a value that cannot be used",
    429: "Too many requests; Retry-After says when",
    503: "Too much to do; Retry-After says when",
}
_ERROR_V2: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["statusCode", "error", "message"],
    "properties": {
        "statusCode": {"type": "integer"},
        "error": {"type": "string", "description": "Words of the status."},
        "message": {"type": "string", "description": "What, why, what to do."},
    },
}


def _describe(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": words, "content": {"application/json": {"schema": schema}}}
        for status, words in _WORDS.items()
    }


REFUSALS: Final = _describe(_ERROR)
REFUSALS_V2: Final = _describe(_ERROR_V2)


def multipart_body(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the part of an operation's description that describes a multipart body."""
    schema = {"type": "object", "properties": properties, "required": required}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def identify_body(photo_name: str, **more: Any) -> dict[str, Any]:
    """Return the description of a body of one to five photographs.

    Parameters
    ----------
    photo_name : str
        Name of the parts.
    **more
        Further fields.
    """
    photo = {"type": "string", "format": "binary"}
    photos = {"type": "array", "items": photo, "minItems": 1, "maxItems": 5}
    return multipart_body({photo_name: photos, **more}, [photo_name])
