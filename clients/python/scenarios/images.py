"""Version, operations, uploads and images."""

from __future__ import annotations

import uuid

import grpc

from pixelflow_client import CHUNK_BYTES, pb

from .fixture import Fixture, chunks, commit, digest, expect_refused, metadata, scenario, unused_id


@scenario("version")
def _(fixture: Fixture) -> None:
    response = fixture.public_caller.stub.GetVersion(pb.GetVersionRequest())
    assert response.version and response.max_upload_bytes > 0 and response.max_pixels > 0, response
    assert "jpeg" in response.formats, response.formats
    assert response.auth == (pb.AUTH_CERTIFICATE if fixture.uses_tls else pb.AUTH_TOKEN), response.auth


@scenario("operations")
def _(fixture: Fixture) -> None:
    response = fixture.ann.stub.ListOperations(pb.ListOperationsRequest(), metadata=fixture.ann.metadata)
    names = [operation.name for operation in response.operations]
    assert {"resize", "blur", "format"} <= set(names), names
    for operation in response.operations:
        assert operation.schema["type"] == "object", operation
        assert operation.text.usage.startswith(operation.name) and operation.examples[0].text, operation
    assert "steps" in response.recipe["properties"], response.recipe


@scenario("request-id")
def _(fixture: Fixture) -> None:
    request_id = str(uuid.uuid4())
    metadata = (*fixture.ann.metadata, ("x-request-id", request_id))
    _, call = fixture.ann.stub.ListTasks.with_call(pb.ListTasksRequest(), metadata=metadata)
    assert ("x-request-id", request_id) in call.initial_metadata(), call.initial_metadata()
    try:
        fixture.ann.stub.GetTask(pb.GetTaskRequest(id=unused_id()), metadata=metadata)
        raise AssertionError("the call succeeded")
    except grpc.RpcError as error:
        assert ("x-request-id", request_id) in error.trailing_metadata(), error.trailing_metadata()
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND") as details:
        fixture.ann.stub.GetTask(pb.GetTaskRequest(id=unused_id()), metadata=metadata)
    assert details["RequestInfo"].request_id == request_id, details


@scenario("upload")
def _(fixture: Fixture) -> None:
    image = fixture.upload(metadata(size=len(fixture.bytes)), *chunks(fixture.bytes), commit(fixture.bytes))
    assert image.id and image.sha256 == digest(fixture.bytes) and image.bytes == len(fixture.bytes), image
    assert (image.format, image.width, image.height) == ("jpeg", 640, 480), image
    assert image.created_at.seconds > 0, image


@scenario("upload-truncated")
def _(fixture: Fixture) -> None:
    with expect_refused("DATA_LOSS", "TRUNCATED_UPLOAD"):
        fixture.upload(metadata(), *chunks(fixture.bytes))


@scenario("upload-short")
def _(fixture: Fixture) -> None:
    with expect_refused("DATA_LOSS", "TRUNCATED_UPLOAD"):
        fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes, size=len(fixture.bytes) + 1))


@scenario("upload-long")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "commit.bytes"):
        fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes, size=len(fixture.bytes) - 1))


@scenario("upload-wrong-digest")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "commit.sha256"):
        fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes, sha256=digest(b"something else")))


@scenario("upload-without-metadata")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "metadata"):
        fixture.upload(*chunks(fixture.bytes), commit(fixture.bytes))


@scenario("upload-media-type")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "UNSUPPORTED_FORMAT", "metadata.media_type"):
        fixture.upload(metadata("text/plain"), *chunks(fixture.bytes), commit(fixture.bytes))


@scenario("upload-not-an-image")
def _(fixture: Fixture) -> None:
    text = b"This is text, not an image. " * 10_000
    with expect_refused("INVALID_ARGUMENT", "UNSUPPORTED_FORMAT"):
        fixture.upload(metadata(), *chunks(text), commit(text))


@scenario("upload-size-too-large")
def _(fixture: Fixture) -> None:
    limit = fixture.public_caller.stub.GetVersion(pb.GetVersionRequest()).max_upload_bytes
    with expect_refused("RESOURCE_EXHAUSTED", "IMAGE_TOO_LARGE"):
        fixture.upload(metadata(size=limit + 1))


@scenario("upload-too-large")
def _(fixture: Fixture) -> None:
    limit = fixture.public_caller.stub.GetVersion(pb.GetVersionRequest()).max_upload_bytes
    large = fixture.bytes + bytes(limit)
    with expect_refused("RESOURCE_EXHAUSTED", "IMAGE_TOO_LARGE"):
        fixture.upload(metadata(), *chunks(large, CHUNK_BYTES), commit(large))


@scenario("upload-cancelled")
def _(fixture: Fixture) -> None:
    def requests():
        yield metadata()
        yield from chunks(fixture.bytes)
        call.cancel()

    call = fixture.ann.stub.Upload.future(requests(), metadata=fixture.ann.metadata)
    try:
        call.result(timeout=10)
        raise AssertionError("the upload succeeded")
    except grpc.FutureCancelledError:
        assert call.code() == grpc.StatusCode.CANCELLED, call.code()
    assert fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes)).bytes == len(fixture.bytes)


@scenario("message-too-large")
def _(fixture: Fixture) -> None:
    with expect_refused("RESOURCE_EXHAUSTED"):
        fixture.upload(metadata(), pb.UploadRequest(chunk=bytes(5 * 1024 * 1024)))


@scenario("get-image")
def _(fixture: Fixture) -> None:
    response = fixture.ann.stub.GetImage(pb.GetImageRequest(id=fixture.image.id), metadata=fixture.ann.metadata)
    assert response.image == fixture.image, response


@scenario("delete-image")
def _(fixture: Fixture) -> None:
    image = fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes))
    fixture.ann.stub.DeleteImage(pb.DeleteImageRequest(id=image.id), metadata=fixture.ann.metadata)
    with expect_refused("NOT_FOUND", "IMAGE_NOT_FOUND"):
        fixture.ann.stub.GetImage(pb.GetImageRequest(id=image.id), metadata=fixture.ann.metadata)
