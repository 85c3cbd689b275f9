"""Authentication, deadlines, unknown methods and concurrency."""

from __future__ import annotations

from dataclasses import replace

from pixelflow_client import connect, pb

from .fixture import IMAGE_SERVICE, Caller, Fixture, chunks, commit, expect_refused, metadata, scenario


@scenario("no-credentials")
def _(fixture: Fixture) -> None:
    code, reason = ("UNAVAILABLE", None) if fixture.uses_tls else ("UNAUTHENTICATED", "UNAUTHENTICATED")
    with expect_refused(code, reason):
        fixture.unauthenticated.stub.ListTasks(pb.ListTasksRequest())


@scenario("wrong-token")
def _(fixture: Fixture) -> None:
    wrong_token = Caller(fixture.ann.channel, "unknown-token")
    with expect_refused("UNAUTHENTICATED", "UNAUTHENTICATED"):
        wrong_token.stub.ListTasks(pb.ListTasksRequest(), metadata=wrong_token.metadata)
    with expect_refused("UNAUTHENTICATED", "UNAUTHENTICATED"):
        fixture.upload(metadata(), *chunks(fixture.bytes), commit(fixture.bytes), caller=wrong_token)
    with expect_refused("UNAUTHENTICATED", "UNAUTHENTICATED"):
        list(wrong_token.client.watch(fixture.done.id))


@scenario("wrong-certificate", needs_tls=True)
def _(fixture: Fixture) -> None:
    tls = replace(fixture.untrusted, ca=fixture.ann.tls.ca)
    with connect(f"dns:///{fixture.address}", tls) as channel, expect_refused("UNAVAILABLE"):
        Caller(channel).stub.ListTasks(pb.ListTasksRequest())


@scenario("wrong-server", needs_tls=True)
def _(fixture: Fixture) -> None:
    tls = replace(fixture.ann.tls, ca=fixture.untrusted.ca)
    with connect(f"dns:///{fixture.address}", tls) as channel, expect_refused("UNAVAILABLE"):
        Caller(channel).stub.ListTasks(pb.ListTasksRequest())


@scenario("other-account")
def _(fixture: Fixture) -> None:
    bob, image, task = fixture.bob, fixture.image.id, fixture.done.id
    with expect_refused("NOT_FOUND", "IMAGE_NOT_FOUND"):
        bob.stub.GetImage(pb.GetImageRequest(id=image), metadata=bob.metadata)
    with expect_refused("NOT_FOUND", "IMAGE_NOT_FOUND"):
        list(bob.stub.Download(pb.DownloadRequest(image=image), metadata=bob.metadata))
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        bob.stub.GetTask(pb.GetTaskRequest(id=task), metadata=bob.metadata)
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        list(bob.client.watch(task))
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        bob.stub.CancelTask(pb.CancelTaskRequest(id=task), metadata=bob.metadata)
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        bob.client.download_output(task, "small")
    listed = bob.stub.ListTasks(pb.ListTasksRequest(limit=200), metadata=bob.metadata).items
    assert task not in [other.id for other in listed], listed


@scenario("deadline")
def _(fixture: Fixture) -> None:
    with fixture.long_task() as task:
        events = []
        with expect_refused("DEADLINE_EXCEEDED"):
            watch = fixture.ann.stub.WatchTask(
                pb.WatchTaskRequest(id=task.id), timeout=1, metadata=fixture.ann.metadata
            )
            for response in watch:
                events.append(response.event)
        assert events and events[0].kind == pb.TASK_EVENT_KIND_QUEUED, events


@scenario("unknown-method")
def _(fixture: Fixture) -> None:
    with expect_refused("UNIMPLEMENTED"):
        fixture.ann.channel.unary_unary(f"/{IMAGE_SERVICE}/UnknownMethod")(b"")


@scenario("concurrent-calls")
def _(fixture: Fixture) -> None:
    calls = [fixture.public_caller.stub.GetVersion.future(pb.GetVersionRequest()) for _ in range(500)]
    assert all(call.result(timeout=30).version for call in calls)
