"""Synchronous calls and tuning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pixelflow_client import pb, recipe_value
from pixelflow_tuning import Preview, TuneMessage, Tuning

from .fixture import TWO_OUTPUTS, Caller, Fixture, chunks, commit, digest, expect_refused, scenario, unused_id


def previews(messages: Iterable[TuneMessage]) -> Iterator[pb.TunePreview]:
    """Yields the description of each preview."""
    return (message.description for message in messages if isinstance(message, Preview))


@scenario("process-image")
def _(fixture: Fixture) -> None:
    image = fixture.ann.client.process_image(fixture.photo, "resize:200/format:webp")
    result = image.description
    assert (result.format, result.media_type) == ("webp", "image/webp"), result
    assert (result.width, result.height) == (200, 150), result
    assert (result.sha256, result.bytes) == (digest(image.data), len(image.data)), result
    assert result.task == "" and result.file_name.endswith(".webp"), result


@scenario("process-image-large")
def _(fixture: Fixture) -> None:
    large = fixture.bytes + bytes(2 * 1024 * 1024)
    first, *rest = process_image(fixture, metadata("resize:200"), *image_chunks(large), image_commit(large))
    task = fixture.ann.stub.GetTask(pb.GetTaskRequest(id=first.result.task), metadata=fixture.ann.metadata).task
    assert task.status == pb.TASK_STATUS_COMPLETED and task.outputs[0].sha256 == first.result.sha256, task
    assert digest(b"".join(response.chunk for response in rest)) == first.result.sha256, first


@scenario("process-image-output")
def _(fixture: Fixture) -> None:
    image = fixture.ann.client.process_image(fixture.photo, TWO_OUTPUTS, "small")
    assert (image.description.width, image.description.format) == (64, "webp"), image.description
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "output"):
        fixture.ann.client.process_image(fixture.photo, TWO_OUTPUTS)


@scenario("process-image-refused")
def _(fixture: Fixture) -> None:
    photo = fixture.bytes
    with expect_refused("DATA_LOSS", "TRUNCATED_UPLOAD"):
        process_image(fixture, metadata("resize:200"), *image_chunks(photo))
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "commit.sha256"):
        process_image(fixture, metadata("resize:200"), *image_chunks(photo), image_commit(b"x" * len(photo)))
    with expect_refused("INVALID_ARGUMENT", "INVALID_RECIPE", "steps[0].sigma"):
        process_image(fixture, metadata("blur:9999"), *image_chunks(photo), image_commit(photo))
    with expect_refused("INVALID_ARGUMENT", "CORRUPT_IMAGE"):
        process_image(fixture, metadata("resize:200"), *image_chunks(photo[:2000]), image_commit(photo[:2000]))
    with expect_refused("UNAUTHENTICATED", "UNAUTHENTICATED"):
        wrong_token = Caller(fixture.ann.channel, "unknown-token")
        wrong_token.client.process_image(fixture.photo, "resize:200")


@scenario("process-image-unary")
def _(fixture: Fixture) -> None:
    request = pb.ProcessImageUnaryRequest(image=fixture.bytes, recipe=recipe_value("resize:200/format:webp"))
    response = fixture.ann.stub.ProcessImageUnary(request, metadata=fixture.ann.metadata)
    assert (response.result.width, response.result.format, response.result.task) == (200, "webp", ""), response.result
    assert digest(response.image) == response.result.sha256, response.result
    with expect_refused("INVALID_ARGUMENT", "CORRUPT_IMAGE"):
        request.image = fixture.bytes[:2000]
        fixture.ann.stub.ProcessImageUnary(request, metadata=fixture.ann.metadata)


def process_image(fixture: Fixture, *requests: pb.ProcessImageRequest) -> list[pb.ProcessImageResponse]:
    return list(fixture.ann.stub.ProcessImage(iter(requests), metadata=fixture.ann.metadata))


def metadata(recipe: str) -> pb.ProcessImageRequest:
    description = pb.ProcessImageMetadata(media_type="image/jpeg", recipe=recipe_value(recipe))
    return pb.ProcessImageRequest(metadata=description)


def image_chunks(data: bytes) -> list[pb.ProcessImageRequest]:
    return [pb.ProcessImageRequest(chunk=request.chunk) for request in chunks(data)]


def image_commit(data: bytes) -> pb.ProcessImageRequest:
    return pb.ProcessImageRequest(commit=commit(data).commit)


@scenario("tune")
def _(fixture: Fixture) -> None:
    with Tuning(fixture.ann.client, fixture.image.id, "resize:320/blur:2") as tuning:
        messages = iter(tuning)
        opened, first = next(messages), next(messages)
        assert isinstance(opened, pb.TuneOpened), opened
        assert (opened.source.width, opened.source.height) == (640, 480), opened
        preview = first.description
        assert (preview.sequence, preview.width, preview.height) == (0, 320, 240), preview
        assert first.data.startswith(b"\xff\xd8\xff"), first.data[:20]

        invalid = tuning.set({"steps[1].sigma": -4})
        refusal = next(message for message in messages if isinstance(message, pb.TuneRefused))
        assert (refusal.sequence, refusal.fault.code) == (invalid, "invalid_recipe"), refusal
        assert refusal.fault.field == "steps[1].sigma", refusal

        valid = tuning.set({"steps[0].width": 90})
        preview = next(preview for preview in previews(messages) if preview.sequence == valid)
        assert (preview.width, preview.height) == (90, 68), preview
        tuning.apply()
        applied = next(message for message in messages if isinstance(message, pb.TuneApplied))
        last = tuning.replace("resize:50")
        tuning.finish()
        *_, newest = previews(messages)
        assert newest.sequence == last, newest
    (output,) = fixture.finish(applied.task).outputs
    assert (output.width, output.height) == (90, 68), output


@scenario("tune-newest")
def _(fixture: Fixture) -> None:
    with Tuning(fixture.ann.client, fixture.image.id, "blur:2") as tuning:
        for i in range(300):
            last = tuning.set({"steps[0].sigma": 1 + i / 10})
        tuning.finish()
        sequences = [preview.sequence for preview in previews(tuning)]
    assert sequences[-1] == last == 300, sequences
    assert sequences == sorted(set(sequences)) and len(sequences) < 150, sequences


@scenario("tune-refused")
def _(fixture: Fixture) -> None:
    with expect_refused("NOT_FOUND", "IMAGE_NOT_FOUND"):
        list(Tuning(fixture.ann.client, unused_id(), "blur:2"))
    with expect_refused("INVALID_ARGUMENT", "INVALID_RECIPE"):
        list(Tuning(fixture.ann.client, fixture.image.id, "blurr:2"))
