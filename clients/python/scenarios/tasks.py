"""Tasks and their event streams."""

from __future__ import annotations

import itertools
import json
import ssl
import urllib.request

from google.protobuf.json_format import MessageToDict

from pixelflow_client import Client, Tls, connect, pb, recipe_value

from .fixture import (
    LONG_RECIPE,
    MEDIUM_RECIPE,
    TWO_OUTPUTS,
    Fixture,
    chunks,
    commit,
    digest,
    expect_refused,
    is_final,
    kinds,
    metadata,
    scenario,
    tokens,
    unused_id,
)
from .relay import Relay


@scenario("create-task")
def _(fixture: Fixture) -> None:
    task = fixture.create("resize:40/format:webp")
    assert task.id and task.image == fixture.image.id, task
    assert task.status == pb.TASK_STATUS_QUEUED and task.created_at.seconds > 0, task
    steps = MessageToDict(task.recipe)["steps"]
    assert [step["op"] for step in steps] == ["resize", "format"] and steps[0]["width"] == 40, steps


@scenario("create-task-struct")
def _(fixture: Fixture) -> None:
    task = fixture.create(TWO_OUTPUTS)
    recipe = MessageToDict(task.recipe)
    assert sorted(recipe["outputs"]) == ["large", "small"], recipe
    assert recipe["steps"][0]["op"] == "grayscale", recipe


@scenario("bad-recipe")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_RECIPE", "steps[0].sigma") as details:
        fixture.create("blur:9999")
    assert "sigma" in details["LocalizedMessage"].message, details


@scenario("no-recipe")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_RECIPE", "recipe"):
        fixture.ann.stub.CreateTask(pb.CreateTaskRequest(image=fixture.image.id), metadata=fixture.ann.metadata)


@scenario("unknown-image")
def _(fixture: Fixture) -> None:
    with expect_refused("NOT_FOUND", "IMAGE_NOT_FOUND"):
        request = pb.CreateTaskRequest(image=unused_id(), recipe=recipe_value("resize:40"))
        fixture.ann.stub.CreateTask(request, metadata=fixture.ann.metadata)


@scenario("process")
def _(fixture: Fixture) -> None:
    events: list[pb.TaskEvent] = []
    results = fixture.ann.client.process(fixture.image.id, TWO_OUTPUTS, events.append)
    expected = ["QUEUED", "STARTED", "FETCHED", "DECODED", "OUTPUT", "OUTPUT", "COMPLETED"]
    assert kinds(events) == expected, kinds(events)
    progress = [event.task.progress for event in events]
    assert progress == sorted(progress) and progress[-1] == 100, progress
    assert sorted(result.output.name for result in results) == ["large", "small"], results
    for result in results:
        output = result.output
        assert digest(result.data) == output.sha256 and len(result.data) == output.bytes, output
    small = next(result.output for result in results if result.output.name == "small")
    assert (small.width, small.height, small.format) == (64, 48, "webp"), small


@scenario("process-resume")
def _(fixture: Fixture) -> None:
    with Relay(fixture.address) as relay, connect(relay.address, fixture.ann.tls) as channel:
        seen: list[pb.TaskEvent] = []

        def on_event(event: pb.TaskEvent) -> None:
            seen.append(event)
            if len(seen) == 1:
                relay.cut()

        (result,) = Client(channel, fixture.ann.token).process(fixture.image.id, MEDIUM_RECIPE, on_event)
        assert relay.connections == 2, relay.connections
        assert kinds(seen) == ["QUEUED", "STARTED", "FETCHED", "DECODED", "OUTPUT", "COMPLETED"], kinds(seen)
        assert tokens(seen) == tokens(fixture.ann.client.watch(seen[0].task.id)), tokens(seen)
        assert digest(result.data) == result.output.sha256, result.output


@scenario("process-corrupt")
def _(fixture: Fixture) -> None:
    broken = fixture.bytes[:2000]
    image = fixture.upload(metadata(), *chunks(broken), commit(broken))
    events: list[pb.TaskEvent] = []
    with expect_refused("INVALID_ARGUMENT", "CORRUPT_IMAGE"):
        fixture.ann.client.process(image.id, "resize:40", events.append)
    assert kinds(events)[-1] == "FAILED" and events[-1].task.fault.code == "corrupt_image", events


@scenario("watch")
def _(fixture: Fixture) -> None:
    events = list(fixture.ann.client.watch(fixture.done.id))
    assert kinds(events)[0] == "QUEUED" and kinds(events)[-1] == "COMPLETED", kinds(events)
    assert len(set(tokens(events))) == len(events) == 7, tokens(events)


@scenario("watch-resume")
def _(fixture: Fixture) -> None:
    with (
        Relay(fixture.address) as relay,
        connect(relay.address, fixture.ann.tls) as channel,
        fixture.long_task() as task,
    ):
        seen: list[pb.TaskEvent] = []
        for event in Client(channel, fixture.ann.token).watch(task.id):
            seen.append(event)
            if len(seen) == 2:
                relay.cut()
            if event.kind == pb.TASK_EVENT_KIND_DECODED:
                fixture.cancel(task)
        assert relay.connections == 2, relay.connections
        assert kinds(seen) == ["QUEUED", "STARTED", "FETCHED", "DECODED", "CANCELLED"], kinds(seen)
        assert tokens(seen) == tokens(fixture.ann.client.watch(task.id)), tokens(seen)


@scenario("watch-other-protocol")
def _(fixture: Fixture) -> None:
    watched = fixture.ann.client.watch(fixture.done.id)
    first = list(itertools.islice(watched, 2))
    watched.close()
    rest = sent_events(fixture, fixture.done.id, first[-1].token)
    resumed = list(fixture.ann.client.watch(fixture.done.id, rest[1][0]))
    events = list(fixture.ann.client.watch(fixture.done.id))
    assert tokens(first) + [token for token, _ in rest] == tokens(events), rest
    assert [kind.upper() for _, kind in rest] == kinds(events)[2:], rest
    assert tokens(resumed) == tokens(events)[4:], resumed


def sent_events(fixture: Fixture, task: str, after: str) -> list[tuple[str, str]]:
    """Returns token and kind of each server-sent event of a task after a token."""
    request = urllib.request.Request(
        f"{fixture.http}/api/v1/tasks/{task}/events", headers={"last-event-id": after}
    )
    for name, value in fixture.ann.metadata:
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=10, context=ssl_context(fixture.ann.tls)) as response:
        text = response.read().decode()
    events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.strip().split("\n\n")]
    assert all(json.loads(event["data"])["task"]["id"] == task for event in events if "id" in event), events
    return [(event["id"], event["event"]) for event in events if "id" in event]


def ssl_context(tls: Tls | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.create_default_context(cafile=tls.ca)
    context.load_cert_chain(tls.cert, tls.key)
    return context


@scenario("watch-ended")
def _(fixture: Fixture) -> None:
    *_, last = fixture.ann.client.watch(fixture.done.id)
    assert is_final(last), last
    assert list(fixture.ann.client.watch(fixture.done.id, last.token)) == []


@scenario("watch-wrong-token")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "after"):
        list(fixture.ann.client.watch(fixture.done.id, "!"))


@scenario("get-task")
def _(fixture: Fixture) -> None:
    task = fixture.ann.stub.GetTask(pb.GetTaskRequest(id=fixture.done.id), metadata=fixture.ann.metadata).task
    assert task == fixture.done, task
    assert task.status == pb.TASK_STATUS_COMPLETED and task.progress == 100 and task.attempt == 1, task


@scenario("list-tasks")
def _(fixture: Fixture) -> None:
    created = [fixture.finish(fixture.create()).id for _ in range(3)]
    listed: list[str] = []
    cursor = ""
    for _ in range(1000):
        page = fixture.ann.stub.ListTasks(
            pb.ListTasksRequest(limit=2, cursor=cursor), metadata=fixture.ann.metadata
        )
        assert 0 < len(page.items) <= 2, page
        listed += [task.id for task in page.items]
        cursor = page.next
        if not cursor:
            break
    assert not cursor, "the list has more than 1000 pages"
    assert len(set(listed)) == len(listed) and listed == sorted(listed, reverse=True), listed
    assert listed[:3] == created[::-1], listed
    done = pb.ListTasksRequest(limit=200, status=pb.TASK_STATUS_COMPLETED)
    completed = fixture.ann.stub.ListTasks(done, metadata=fixture.ann.metadata).items
    assert {task.status for task in completed} == {pb.TASK_STATUS_COMPLETED}, completed
    assert set(created) <= {task.id for task in completed}, completed


@scenario("list-limit")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "limit"):
        fixture.ann.stub.ListTasks(pb.ListTasksRequest(limit=201), metadata=fixture.ann.metadata)


@scenario("cancel")
def _(fixture: Fixture) -> None:
    task = fixture.create(LONG_RECIPE)
    seen: list[pb.TaskEvent] = []
    for event in fixture.ann.client.watch(task.id):
        seen.append(event)
        if event.kind == pb.TASK_EVENT_KIND_DECODED:
            assert fixture.cancel(task).status == pb.TASK_STATUS_CANCELLED
    assert kinds(seen)[-1] == "CANCELLED", kinds(seen)
    assert fixture.cancel(task).status == pb.TASK_STATUS_CANCELLED


@scenario("cancel-ended")
def _(fixture: Fixture) -> None:
    with expect_refused("FAILED_PRECONDITION", "TASK_ENDED"):
        fixture.cancel(fixture.done)


@scenario("delete-task")
def _(fixture: Fixture) -> None:
    task = fixture.finish(fixture.create())
    fixture.ann.stub.DeleteTask(pb.DeleteTaskRequest(id=task.id), metadata=fixture.ann.metadata)
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        fixture.ann.stub.GetTask(pb.GetTaskRequest(id=task.id), metadata=fixture.ann.metadata)


@scenario("retry-task")
def _(fixture: Fixture) -> None:
    request = pb.RetryTaskRequest(id=fixture.done.id)
    retried = fixture.ann.stub.RetryTask(request, metadata=fixture.ann.metadata).task
    assert retried.retry_of == fixture.done.id and retried.recipe == fixture.done.recipe, retried
    assert retried.id != fixture.done.id and retried.image == fixture.done.image, retried
    digests = [[output.sha256 for output in task.outputs] for task in (fixture.done, fixture.finish(retried))]
    assert digests[0] == digests[1], digests
    with fixture.long_task() as task, expect_refused("FAILED_PRECONDITION", "TASK_ACTIVE"):
        fixture.ann.stub.RetryTask(pb.RetryTaskRequest(id=task.id), metadata=fixture.ann.metadata)


@scenario("bulk")
def _(fixture: Fixture) -> None:
    recipe = recipe_value("resize:40")
    request = pb.CreateTaskRequest(image=fixture.image.id, recipe=recipe, lane=pb.LANE_BULK)
    task = fixture.ann.stub.CreateTask(request, metadata=fixture.ann.metadata).task
    done = fixture.finish(task)
    assert task.lane == done.lane == pb.LANE_BULK, (task, done)
    assert done.status == pb.TASK_STATUS_COMPLETED, done
    retry = pb.RetryTaskRequest(id=task.id)
    retried = fixture.ann.stub.RetryTask(retry, metadata=fixture.ann.metadata).task
    assert retried.lane == pb.LANE_BULK, retried
    assert fixture.finish(retried).status == pb.TASK_STATUS_COMPLETED, retried


@scenario("list-actors")
def _(fixture: Fixture) -> None:
    actors = fixture.ann.stub.ListActors(pb.ListActorsRequest(), metadata=fixture.ann.metadata).items
    assert fixture.done.actor in [actor.name for actor in actors], actors
    assert all(actor.slots > 0 and actor.version and actor.seen_at.seconds > 0 for actor in actors), actors
