"""What a request to ``/rank`` holds, as OpenAPI says it."""

from collections.abc import Mapping
from typing import Any


def schema_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a body in ``/openapi.json``: every column by name.

    Args:
        description: an export's.
    """
    request: dict[str, Any] = {}
    candidates: dict[str, Any] = {}
    moment = {"type": ["number", "string"]}
    for spec in description["columns"]:
        value: dict[str, Any] = {"type": ["string", "integer", "null"]}
        if spec["kind"] == "number":
            value = {"type": ["number", "null"]}
        if spec["kind"] == "list" or spec["length"] > 1:
            for _ in range(1 + (spec.get("sessions", 1) > 1 and "made" not in spec["values"])):
                value = {"type": "array", "items": value}
        fields = {spec["values"].get("source") or spec["name"]: value}
        for history in description.get("histories", ()):
            if spec["name"] in history["made"]:
                fields[history["times"]] = {"type": "array", "items": moment}
        if spec["name"] in description["request"]:
            request |= fields
        else:
            candidates |= {
                field: {"type": "array", "items": value, "minItems": 1}
                for field, value in fields.items()
            }
    if "moment" in description:
        request[description["moment"]["source"]] = moment
    sides = {
        name: {
            "type": "object",
            "properties": side,
            "required": list(side),
            "additionalProperties": False,
        }
        for name, side in (("request", request), ("candidates", candidates))
    }
    body = {
        "type": "object",
        "required": ["request", "candidates"],
        "additionalProperties": False,
        "properties": {
            **sides,
            "task": {"enum": list(description["tasks"])},
            "features": {"type": "boolean"},
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}
