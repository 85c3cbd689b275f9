"""Authentication, deadlines, unknown methods and concurrency."""

from __future__ import annotations

from dataclasses import replace

from pixelflow_client import connect, pb

from .bench import IMAGE_SERVICE, Bench, Caller, chunks, commit, metadata, refused, scenario


@scenario("no-credentials")
def _(bench: Bench) -> None:
    code, reason = ("UNAVAILABLE", None) if bench.encrypted else ("UNAUTHENTICATED", "unauthenticated")
    with refused(code, reason):
        bench.unauthenticated.stub.ListTasks(pb.ListTasksRequest())


@scenario("wrong-token")
def _(bench: Bench) -> None:
    liar = Caller(bench.ann.channel, "unknown-token")
    with refused("UNAUTHENTICATED", "unauthenticated"):
        liar.stub.ListTasks(pb.ListTasksRequest(), metadata=liar.metadata)
    with refused("UNAUTHENTICATED", "unauthenticated"):
        bench.upload(metadata(), *chunks(bench.bytes), commit(bench.bytes), who=liar)
    with refused("UNAUTHENTICATED", "unauthenticated"):
        list(liar.client.watch(bench.done.id))


@scenario("wrong-certificate", certificates=True)
def _(bench: Bench) -> None:
    mine = replace(bench.stranger, ca=bench.ann.tls.ca)
    with connect(f"dns:///{bench.address}", mine) as channel, refused("UNAVAILABLE"):
        Caller(channel).stub.ListTasks(pb.ListTasksRequest())


@scenario("wrong-server", certificates=True)
def _(bench: Bench) -> None:
    mine = replace(bench.ann.tls, ca=bench.stranger.ca)
    with connect(f"dns:///{bench.address}", mine) as channel, refused("UNAVAILABLE"):
        Caller(channel).stub.ListTasks(pb.ListTasksRequest())


@scenario("other-account")
def _(bench: Bench) -> None:
    bob, image, task = bench.bob, bench.image.id, bench.done.id
    with refused("NOT_FOUND", "image_not_found"):
        bob.stub.GetImage(pb.GetImageRequest(id=image), metadata=bob.metadata)
    with refused("NOT_FOUND", "image_not_found"):
        list(bob.stub.Download(pb.DownloadRequest(image=image), metadata=bob.metadata))
    with refused("NOT_FOUND", "task_not_found"):
        bob.stub.GetTask(pb.GetTaskRequest(id=task), metadata=bob.metadata)
    with refused("NOT_FOUND", "task_not_found"):
        list(bob.client.watch(task))
    with refused("NOT_FOUND", "task_not_found"):
        bob.stub.CancelTask(pb.CancelTaskRequest(id=task), metadata=bob.metadata)
    with refused("NOT_FOUND", "task_not_found"):
        bob.client.download_output(task, "small")
    mine = bob.stub.ListTasks(pb.ListTasksRequest(limit=200), metadata=bob.metadata).items
    assert task not in [one.id for one in mine], mine


@scenario("deadline")
def _(bench: Bench) -> None:
    with bench.slow() as task:
        seen = []
        with refused("DEADLINE_EXCEEDED"):
            watch = bench.ann.stub.WatchTask(
                pb.WatchTaskRequest(id=task.id), timeout=1, metadata=bench.ann.metadata
            )
            for answer in watch:
                seen.append(answer.event)
        assert seen and seen[0].kind == pb.TASK_EVENT_KIND_QUEUED, seen


@scenario("unknown-method")
def _(bench: Bench) -> None:
    with refused("UNIMPLEMENTED"):
        bench.ann.channel.unary_unary(f"/{IMAGE_SERVICE}/PaintPicture")(b"")


@scenario("many-at-once")
def _(bench: Bench) -> None:
    calls = [bench.public_caller.stub.GetVersion.future(pb.GetVersionRequest()) for _ in range(500)]
    assert all(call.result(timeout=30).version for call in calls)
