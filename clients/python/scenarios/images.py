"""Version, operations, uploads and images."""

from __future__ import annotations

import uuid

import grpc

from pixelflow_client import CHUNK_BYTES, pb

from .bench import Bench, chunks, commit, digest, metadata, refused, scenario, unused_id


@scenario("version")
def _(bench: Bench) -> None:
    answer = bench.public_caller.stub.GetVersion(pb.GetVersionRequest())
    assert answer.version and answer.max_upload_bytes > 0 and answer.max_pixels > 0, answer
    assert "jpeg" in answer.formats, answer.formats
    assert answer.auth == (pb.AUTH_CERTIFICATE if bench.encrypted else pb.AUTH_TOKEN), answer.auth


@scenario("operations")
def _(bench: Bench) -> None:
    answer = bench.ann.stub.ListOperations(pb.ListOperationsRequest(), metadata=bench.ann.metadata)
    names = [one.name for one in answer.operations]
    assert {"resize", "blur", "format"} <= set(names), names
    for one in answer.operations:
        assert one.schema["type"] == "object", one
        assert one.text.usage.startswith(one.name) and one.examples[0].text, one
    assert "steps" in answer.recipe["properties"], answer.recipe


@scenario("request-id")
def _(bench: Bench) -> None:
    mine = str(uuid.uuid4())
    metadata = (*bench.ann.metadata, ("x-request-id", mine))
    _, call = bench.ann.stub.ListTasks.with_call(pb.ListTasksRequest(), metadata=metadata)
    assert ("x-request-id", mine) in call.initial_metadata(), call.initial_metadata()
    try:
        bench.ann.stub.GetTask(pb.GetTaskRequest(id=unused_id()), metadata=metadata)
        raise AssertionError("it was not refused")
    except grpc.RpcError as error:
        assert ("x-request-id", mine) in error.trailing_metadata(), error.trailing_metadata()
    with refused("NOT_FOUND", "task_not_found") as details:
        bench.ann.stub.GetTask(pb.GetTaskRequest(id=unused_id()), metadata=metadata)
    assert details["RequestInfo"].request_id == mine, details


@scenario("upload")
def _(bench: Bench) -> None:
    image = bench.upload(metadata(size=len(bench.bytes)), *chunks(bench.bytes), commit(bench.bytes))
    assert image.id and image.sha256 == digest(bench.bytes) and image.bytes == len(bench.bytes), image
    assert (image.format, image.width, image.height) == ("jpeg", 640, 480), image
    assert image.created_at.seconds > 0, image


@scenario("upload-truncated")
def _(bench: Bench) -> None:
    with refused("DATA_LOSS", "truncated_upload"):
        bench.upload(metadata(), *chunks(bench.bytes))


@scenario("upload-short")
def _(bench: Bench) -> None:
    with refused("DATA_LOSS", "truncated_upload"):
        bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes, size=len(bench.bytes) + 1))


@scenario("upload-long")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "commit.bytes"):
        bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes, size=len(bench.bytes) - 1))


@scenario("upload-wrong-digest")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "commit.sha256"):
        bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes, sha256=digest(b"something else")))


@scenario("upload-without-metadata")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "metadata"):
        bench.upload(*chunks(bench.bytes), commit(bench.bytes))


@scenario("upload-media-type")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "unsupported_format", "metadata.media_type"):
        bench.upload(metadata("text/plain"), *chunks(bench.bytes), commit(bench.bytes))


@scenario("upload-no-image")
def _(bench: Bench) -> None:
    text = b"This is a letter. " * 10_000
    with refused("INVALID_ARGUMENT", "unsupported_format"):
        bench.upload(metadata(), *chunks(text), commit(text))


@scenario("upload-too-large-said")
def _(bench: Bench) -> None:
    limit = bench.public_caller.stub.GetVersion(pb.GetVersionRequest()).max_upload_bytes
    with refused("RESOURCE_EXHAUSTED", "image_too_large"):
        bench.upload(metadata(size=limit + 1))


@scenario("upload-too-large-found")
def _(bench: Bench) -> None:
    limit = bench.public_caller.stub.GetVersion(pb.GetVersionRequest()).max_upload_bytes
    large = bench.bytes + bytes(limit)
    with refused("RESOURCE_EXHAUSTED", "image_too_large"):
        bench.upload(metadata(), *chunks(large, CHUNK_BYTES), commit(large))


@scenario("upload-given-up")
def _(bench: Bench) -> None:
    def pieces():
        yield metadata()
        yield from chunks(bench.bytes)
        call.cancel()

    call = bench.ann.stub.Upload.future(pieces(), metadata=bench.ann.metadata)
    try:
        call.result(timeout=10)
        raise AssertionError("it was taken")
    except grpc.FutureCancelledError:
        assert call.code() == grpc.StatusCode.CANCELLED, call.code()
    assert bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes)).bytes == len(bench.bytes)


@scenario("message-too-large")
def _(bench: Bench) -> None:
    with refused("RESOURCE_EXHAUSTED"):
        bench.upload(metadata(), pb.UploadRequest(chunk=bytes(5 * 1024 * 1024)))


@scenario("get-image")
def _(bench: Bench) -> None:
    answer = bench.ann.stub.GetImage(pb.GetImageRequest(id=bench.image.id), metadata=bench.ann.metadata)
    assert answer.image == bench.image, answer


@scenario("delete-image")
def _(bench: Bench) -> None:
    image = bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes))
    bench.ann.stub.DeleteImage(pb.DeleteImageRequest(id=image.id), metadata=bench.ann.metadata)
    with refused("NOT_FOUND", "image_not_found"):
        bench.ann.stub.GetImage(pb.GetImageRequest(id=image.id), metadata=bench.ann.metadata)
