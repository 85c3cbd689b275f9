"""Synchronous calls and tuning."""

from __future__ import annotations

from pixelflow_client import pb, recipe_value
from pixelflow_tuning import Preview, Tuning

from .bench import TWO_OUTPUTS, Bench, Caller, chunks, commit, digest, refused, scenario, unused_id


def previews(heard: list) -> list[Preview]:
    return [one for one in heard if isinstance(one, Preview)]


@scenario("process-image")
def _(bench: Bench) -> None:
    picture = bench.ann.client.process_image(bench.photo, "resize:200/format:webp")
    about = picture.about
    assert (about.format, about.media_type, about.width, about.height) == ("webp", "image/webp", 200, 150), (
        about
    )
    assert (about.sha256, about.bytes) == (digest(picture.data), len(picture.data)), about
    assert about.task == "" and about.file_name.endswith(".webp"), about


@scenario("process-image-large")
def _(bench: Bench) -> None:
    large = bench.bytes + bytes(2 * 1024 * 1024)
    first, *rest = process_image(bench, about("resize:200"), *pieces(large), end(large))
    task = bench.ann.stub.GetTask(pb.GetTaskRequest(id=first.result.task), metadata=bench.ann.metadata).task
    assert task.status == pb.TASK_STATUS_COMPLETED and task.outputs[0].sha256 == first.result.sha256, task
    assert digest(b"".join(one.chunk for one in rest)) == first.result.sha256, first


@scenario("process-image-output")
def _(bench: Bench) -> None:
    picture = bench.ann.client.process_image(bench.photo, TWO_OUTPUTS, "small")
    assert (picture.about.width, picture.about.format) == (64, "webp"), picture.about
    with refused("INVALID_ARGUMENT", "invalid_request", "output"):
        bench.ann.client.process_image(bench.photo, TWO_OUTPUTS)


@scenario("process-image-refused")
def _(bench: Bench) -> None:
    photo = bench.bytes
    with refused("DATA_LOSS", "truncated_upload"):
        process_image(bench, about("resize:200"), *pieces(photo))
    with refused("INVALID_ARGUMENT", "invalid_request", "commit.sha256"):
        process_image(bench, about("resize:200"), *pieces(photo), end(b"x" * len(photo)))
    with refused("INVALID_ARGUMENT", "invalid_recipe", "steps[0].sigma"):
        process_image(bench, about("blur:9999"), *pieces(photo), end(photo))
    with refused("INVALID_ARGUMENT", "corrupt_image"):
        process_image(bench, about("resize:200"), *pieces(photo[:2000]), end(photo[:2000]))
    with refused("UNAUTHENTICATED", "unauthenticated"):
        liar = Caller(bench.ann.channel, "unknown-token")
        liar.client.process_image(bench.photo, "resize:200")


@scenario("process-image-unary")
def _(bench: Bench) -> None:
    request = pb.ProcessImageUnaryRequest(image=bench.bytes, recipe=recipe_value("resize:200/format:webp"))
    answer = bench.ann.stub.ProcessImageUnary(request, metadata=bench.ann.metadata)
    assert (answer.result.width, answer.result.format, answer.result.task) == (200, "webp", ""), answer.result
    assert digest(answer.image) == answer.result.sha256, answer.result
    with refused("INVALID_ARGUMENT", "corrupt_image"):
        request.image = bench.bytes[:2000]
        bench.ann.stub.ProcessImageUnary(request, metadata=bench.ann.metadata)


def process_image(bench: Bench, *requests: pb.ProcessImageRequest) -> list[pb.ProcessImageResponse]:
    return list(bench.ann.stub.ProcessImage(iter(requests), metadata=bench.ann.metadata))


def about(recipe: str) -> pb.ProcessImageRequest:
    metadata = pb.ProcessImageMetadata(media_type="image/jpeg", recipe=recipe_value(recipe))
    return pb.ProcessImageRequest(metadata=metadata)


def pieces(data: bytes) -> list[pb.ProcessImageRequest]:
    return [pb.ProcessImageRequest(chunk=one.chunk) for one in chunks(data)]


def end(data: bytes) -> pb.ProcessImageRequest:
    return pb.ProcessImageRequest(commit=commit(data).commit)


@scenario("tune")
def _(bench: Bench) -> None:
    with Tuning(bench.ann.client, bench.image.id, "resize:320/blur:2") as tuning:
        said = iter(tuning)
        opened, first = next(said), next(said)
        assert isinstance(opened, pb.TuneOpened) and (opened.source.width, opened.source.height) == (
            640,
            480,
        ), opened
        assert first.about.sequence == 0 and (first.about.width, first.about.height) == (320, 240), (
            first.about
        )
        assert first.data.startswith(b"\xff\xd8\xff"), first.data[:20]

        bad = tuning.set({"steps[1].sigma": -4})
        refusal = next(one for one in said if isinstance(one, pb.TuneRefused))
        assert (refusal.sequence, refusal.fault.code) == (bad, "invalid_recipe"), refusal
        assert refusal.fault.field == "steps[1].sigma", refusal

        good = tuning.set({"steps[0].width": 90})
        shown = next(one for one in said if isinstance(one, Preview) and one.about.sequence == good)
        assert (shown.about.width, shown.about.height) == (90, 68), shown.about
        tuning.apply()
        applied = next(one for one in said if isinstance(one, pb.TuneApplied))
        last = tuning.replace("resize:50")
        tuning.finish()
        assert previews(list(said))[-1].about.sequence == last
    (output,) = bench.finish(applied.task).outputs
    assert (output.width, output.height) == (90, 68), output


@scenario("tune-newest")
def _(bench: Bench) -> None:
    with Tuning(bench.ann.client, bench.image.id, "blur:2") as tuning:
        for i in range(300):
            last = tuning.set({"steps[0].sigma": 1 + i / 10})
        tuning.finish()
        answered = [one.about.sequence for one in previews(list(tuning))]
    assert answered[-1] == last == 300, answered
    assert answered == sorted(set(answered)) and len(answered) < 150, answered


@scenario("tune-refused")
def _(bench: Bench) -> None:
    with refused("NOT_FOUND", "image_not_found"):
        list(Tuning(bench.ann.client, unused_id(), "blur:2"))
    with refused("INVALID_ARGUMENT", "invalid_recipe"):
        list(Tuning(bench.ann.client, bench.image.id, "blurr:2"))
