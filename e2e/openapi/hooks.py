"""What schemathesis cannot know: which values exist, which files are images, and which rules OpenAPI cannot express.

The current folder is the one that prepare-folder.ts has written.
"""

import json
import re
from itertools import count
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import metrics
from schemathesis.generation.meta import TestPhase

# Without this, the fuzzing phase spends most of its time on a search for accepted requests, up to a minute for an
# operation. The dictionaries have values that are accepted. Remove it when schemathesis has a setting for it.
metrics.maximize = lambda *args, **kwargs: None

images = [path.read_bytes() for path in sorted(Path("images").iterdir())]
image = st.sampled_from(images)
broken_image = st.sampled_from([images[0][:-20], b"This is not an image."]) | st.binary(min_size=1, max_size=64)
files = image | image | image | broken_image
for media_type in ["image/*", "application/octet-stream"]:
    schemathesis.openapi.media_type(media_type, files)
schemathesis.openapi.format("binary", files)

examples = json.loads(Path("examples.json").read_text())
call_numbers = count()

# Reasons to refuse a valid request: the document cannot describe the content of a file or the state of the server.
INEXPRESSIBLE_CODES = {
    "corrupt_image",
    "idempotency_key_reused",
    "precondition_failed",
    "range_not_satisfiable",
    "truncated_upload",
    "unsupported_format",
}
INEXPRESSIBLE_FIELDS = {
    # Only values of earlier responses are valid.
    "Last-Event-ID",
    "after",
    "cursor",
    "lastEventId",
    "pixelflow-position",
    # Only together with `Prefer: respond-async`.
    "lane",
    # HTTP clients add it for a WebSocket, so the document does not list it. The messages of the WebSocket are outside of
    # OpenAPI; they are tested in gateway/transports/ws and e2e/hostile.
    "Upgrade",
}
# A step that does not fit the others, such as a format that is not the last, or a parameter that does not: resize needs
# width or height, its positions entropy and attention need fit cover, and JPEG is never lossless.
RULE_BETWEEN_FIELDS = re.compile(r"steps\[\d+\](\.(width|position|lossless))?$")
# The recipe is in the query or in the form, and the output must be one of the recipe.
INEXPRESSIBLE_PROCESS_FIELDS = {"output", "recipe"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # The gateway of this test requires a token; the document describes every gateway.
    raw_schema["security"] = [{"bearer": []}]
    for item in raw_schema["paths"].values():
        shared = item.pop("parameters", [])
        for operation in item.values():
            operation["parameters"] = [
                with_example(operation["operationId"], parameter)
                for parameter in [*shared, *operation.get("parameters", [])]
            ]
            if operation["operationId"] == "createTask":
                image_id = examples["createTask"]["body.image"]
                operation["requestBody"]["content"]["application/json"]["example"]["image"] = image_id


def with_example(operation_id, parameter):
    key = f"{parameter['in']}.{parameter['name']}"
    example = examples.get(operation_id, {}).get(key)
    return {**parameter, "example": example} if example else parameter


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes most of the valid requests that would be refused; the others cover the refusals."""
    number = next(call_numbers)
    if number % 4 == 0 and case.meta.phase.name != TestPhase.STATEFUL:
        return
    key = case.headers.get("Idempotency-Key")
    if key and len(key) < 200 and not is_negative(case, ParameterLocation.HEADER):
        # A used key is refused. In a scenario, its response could be of a resource that was deleted meanwhile.
        case.headers["Idempotency-Key"] = f"{key}-{number}"
    if case.operation.path == "/api/v1/process" and not is_negative(case, ParameterLocation.QUERY):
        if "respond-async" not in case.headers.get("Prefer", ""):
            case.query.pop("lane", None)


def is_negative(case, location):
    component = case.meta.components.get(location)
    return bool(component and component.mode.is_negative)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure is a finding."""
    kind = type(failure).__name__
    if kind == "UseAfterFree":
        # A client with a resume token is told that the task was deleted.
        return case.operation.path != "/api/v1/tasks/{id}/events"
    return kind != "RejectedPositiveData" or is_wrong_refusal(case, response)


def is_wrong_refusal(case, response):
    """Whether the document should have told that a request is invalid."""
    # Some requests of the coverage phase have an invalid header although they are counted as valid.
    if any(is_negative(case, location) for location in case.meta.components):
        return False
    if case.method == "HEAD":
        # The response has no problem document.
        return response.status_code not in (412, 416)
    problem = json.loads(response.content)
    code, field = problem["code"], problem.get("field", "")
    if code == "invalid_recipe":
        # The document does not describe the text form of recipes.
        return is_recipe_object(case) and not RULE_BETWEEN_FIELDS.search(field)
    if case.operation.path == "/api/v1/process" and field in INEXPRESSIBLE_PROCESS_FIELDS:
        return False
    return code not in INEXPRESSIBLE_CODES and field not in INEXPRESSIBLE_FIELDS


def is_recipe_object(case):
    return isinstance(case.body, dict) and isinstance(case.body.get("recipe"), dict)
