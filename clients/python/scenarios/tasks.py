"""Tasks and their event streams."""

from __future__ import annotations

import itertools
import json
import ssl
import urllib.request

from google.protobuf.json_format import MessageToDict

from pixelflow_client import Client, Tls, connect, pb, recipe_value

from .bench import (
    SLOW,
    TWO_OUTPUTS,
    UNHURRIED,
    Bench,
    chunks,
    commit,
    digest,
    is_final,
    kinds,
    metadata,
    refused,
    scenario,
    tokens,
    unused_id,
)
from .relay import Relay


@scenario("create-task")
def _(bench: Bench) -> None:
    task = bench.create("resize:40/format:webp")
    assert task.id and task.image == bench.image.id, task
    assert task.status == pb.TASK_STATUS_QUEUED and task.created_at.seconds > 0, task
    steps = MessageToDict(task.recipe)["steps"]
    assert [step["op"] for step in steps] == ["resize", "format"] and steps[0]["width"] == 40, steps


@scenario("create-task-struct")
def _(bench: Bench) -> None:
    task = bench.create(TWO_OUTPUTS)
    recipe = MessageToDict(task.recipe)
    assert sorted(recipe["outputs"]) == ["large", "small"], recipe
    assert recipe["steps"][0]["op"] == "grayscale", recipe


@scenario("bad-recipe")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_recipe", "steps[0].sigma") as details:
        bench.create("blur:9999")
    assert "sigma" in details["LocalizedMessage"].message, details


@scenario("no-recipe")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_recipe", "recipe"):
        bench.ann.stub.CreateTask(pb.CreateTaskRequest(image=bench.image.id), metadata=bench.ann.metadata)


@scenario("unknown-image")
def _(bench: Bench) -> None:
    with refused("NOT_FOUND", "image_not_found"):
        request = pb.CreateTaskRequest(image=unused_id(), recipe=recipe_value("resize:40"))
        bench.ann.stub.CreateTask(request, metadata=bench.ann.metadata)


@scenario("process")
def _(bench: Bench) -> None:
    events: list[pb.TaskEvent] = []
    results = bench.ann.client.process(bench.image.id, TWO_OUTPUTS, events.append)
    expected = ["QUEUED", "STARTED", "FETCHED", "DECODED", "OUTPUT", "OUTPUT", "COMPLETED"]
    assert kinds(events) == expected, kinds(events)
    progress = [event.task.progress for event in events]
    assert progress == sorted(progress) and progress[-1] == 100, progress
    assert sorted(one.output.name for one in results) == ["large", "small"], results
    for one in results:
        assert digest(one.data) == one.output.sha256 and len(one.data) == one.output.bytes, one.output
    small = next(one.output for one in results if one.output.name == "small")
    assert (small.width, small.height, small.format) == (64, 48, "webp"), small


@scenario("process-resume")
def _(bench: Bench) -> None:
    with Relay(bench.address) as relay, connect(relay.address, bench.ann.tls) as channel:
        seen: list[pb.TaskEvent] = []

        def see(event: pb.TaskEvent) -> None:
            seen.append(event)
            if len(seen) == 1:
                relay.cut()

        (result,) = Client(channel, bench.ann.token).process(bench.image.id, UNHURRIED, see)
        assert relay.connections == 2, relay.connections
        assert kinds(seen) == ["QUEUED", "STARTED", "FETCHED", "DECODED", "OUTPUT", "COMPLETED"], kinds(seen)
        assert tokens(seen) == tokens(bench.ann.client.watch(seen[0].task.id)), tokens(seen)
        assert digest(result.data) == result.output.sha256, result.output


@scenario("process-corrupt")
def _(bench: Bench) -> None:
    broken = bench.bytes[:2000]
    image = bench.upload(metadata(), *chunks(broken), commit(broken))
    events: list[pb.TaskEvent] = []
    with refused("INVALID_ARGUMENT", "corrupt_image"):
        bench.ann.client.process(image.id, "resize:40", events.append)
    assert kinds(events)[-1] == "FAILED" and events[-1].task.fault.code == "corrupt_image", events


@scenario("watch")
def _(bench: Bench) -> None:
    events = list(bench.ann.client.watch(bench.done.id))
    assert kinds(events)[0] == "QUEUED" and kinds(events)[-1] == "COMPLETED", kinds(events)
    assert len(set(tokens(events))) == len(events) == 7, tokens(events)


@scenario("watch-resume")
def _(bench: Bench) -> None:
    with (
        Relay(bench.address) as relay,
        connect(relay.address, bench.ann.tls) as channel,
        bench.slow() as task,
    ):
        seen: list[pb.TaskEvent] = []
        for event in Client(channel, bench.ann.token).watch(task.id):
            seen.append(event)
            if len(seen) == 2:
                relay.cut()
            if event.kind == pb.TASK_EVENT_KIND_DECODED:
                bench.cancel(task)
        assert relay.connections == 2, relay.connections
        assert kinds(seen) == ["QUEUED", "STARTED", "FETCHED", "DECODED", "CANCELLED"], kinds(seen)
        assert tokens(seen) == tokens(bench.ann.client.watch(task.id)), tokens(seen)


@scenario("watch-other-protocol")
def _(bench: Bench) -> None:
    watched = bench.ann.client.watch(bench.done.id)
    first = list(itertools.islice(watched, 2))
    watched.close()
    rest = sent_events(bench, bench.done.id, first[-1].token)
    again = list(bench.ann.client.watch(bench.done.id, rest[1][0]))
    whole = list(bench.ann.client.watch(bench.done.id))
    assert tokens(first) + [token for token, _ in rest] == tokens(whole), rest
    assert [kind.upper() for _, kind in rest] == kinds(whole)[2:], rest
    assert tokens(again) == tokens(whole)[4:], again


def sent_events(bench: Bench, task: str, after: str) -> list[tuple[str, str]]:
    """Returns token and kind of each server-sent event of a task after a token."""
    request = urllib.request.Request(
        f"{bench.http}/api/v1/tasks/{task}/events", headers={"last-event-id": after}
    )
    for name, value in bench.ann.metadata:
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=10, context=ssl_context(bench.ann.tls)) as answer:
        text = answer.read().decode()
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
def _(bench: Bench) -> None:
    *_, last = bench.ann.client.watch(bench.done.id)
    assert is_final(last), last
    assert list(bench.ann.client.watch(bench.done.id, last.token)) == []


@scenario("watch-wrong-token")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "after"):
        list(bench.ann.client.watch(bench.done.id, "!"))


@scenario("get-task")
def _(bench: Bench) -> None:
    task = bench.ann.stub.GetTask(pb.GetTaskRequest(id=bench.done.id), metadata=bench.ann.metadata).task
    assert task == bench.done, task
    assert task.status == pb.TASK_STATUS_COMPLETED and task.progress == 100 and task.attempt == 1, task


@scenario("list-tasks")
def _(bench: Bench) -> None:
    mine = [bench.finish(bench.create()).id for _ in range(3)]
    found: list[str] = []
    cursor = ""
    while True:
        page = bench.ann.stub.ListTasks(
            pb.ListTasksRequest(limit=2, cursor=cursor), metadata=bench.ann.metadata
        )
        assert 0 < len(page.items) <= 2, page
        found += [one.id for one in page.items]
        cursor = page.next
        if not cursor:
            break
    assert len(set(found)) == len(found) and found == sorted(found, reverse=True), found
    assert found[:3] == mine[::-1], found
    done = pb.ListTasksRequest(limit=200, status=pb.TASK_STATUS_COMPLETED)
    completed = bench.ann.stub.ListTasks(done, metadata=bench.ann.metadata).items
    assert {one.status for one in completed} == {pb.TASK_STATUS_COMPLETED}, completed
    assert set(mine) <= {one.id for one in completed}, completed


@scenario("list-limit")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "limit"):
        bench.ann.stub.ListTasks(pb.ListTasksRequest(limit=201), metadata=bench.ann.metadata)


@scenario("cancel")
def _(bench: Bench) -> None:
    task = bench.create(SLOW)
    seen: list[pb.TaskEvent] = []
    for event in bench.ann.client.watch(task.id):
        seen.append(event)
        if event.kind == pb.TASK_EVENT_KIND_DECODED:
            assert bench.cancel(task).status == pb.TASK_STATUS_CANCELLED
    assert kinds(seen)[-1] == "CANCELLED", kinds(seen)
    assert bench.cancel(task).status == pb.TASK_STATUS_CANCELLED


@scenario("cancel-ended")
def _(bench: Bench) -> None:
    with refused("FAILED_PRECONDITION", "task_ended"):
        bench.cancel(bench.done)


@scenario("delete-task")
def _(bench: Bench) -> None:
    task = bench.finish(bench.create())
    bench.ann.stub.DeleteTask(pb.DeleteTaskRequest(id=task.id), metadata=bench.ann.metadata)
    with refused("NOT_FOUND", "task_not_found"):
        bench.ann.stub.GetTask(pb.GetTaskRequest(id=task.id), metadata=bench.ann.metadata)


@scenario("retry-task")
def _(bench: Bench) -> None:
    request = pb.RetryTaskRequest(id=bench.done.id)
    again = bench.ann.stub.RetryTask(request, metadata=bench.ann.metadata).task
    assert again.retry_of == bench.done.id and again.recipe == bench.done.recipe, again
    assert again.id != bench.done.id and again.image == bench.done.image, again
    digests = [[one.sha256 for one in task.outputs] for task in (bench.done, bench.finish(again))]
    assert digests[0] == digests[1], digests
    with bench.slow() as task, refused("FAILED_PRECONDITION", "task_active"):
        bench.ann.stub.RetryTask(pb.RetryTaskRequest(id=task.id), metadata=bench.ann.metadata)


@scenario("bulk")
def _(bench: Bench) -> None:
    recipe = recipe_value("resize:40")
    request = pb.CreateTaskRequest(image=bench.image.id, recipe=recipe, lane=pb.LANE_BULK)
    task = bench.ann.stub.CreateTask(request, metadata=bench.ann.metadata).task
    done = bench.finish(task)
    assert task.lane == done.lane == pb.LANE_BULK, (task, done)
    assert done.status == pb.TASK_STATUS_COMPLETED, done
    retry = pb.RetryTaskRequest(id=task.id)
    again = bench.ann.stub.RetryTask(retry, metadata=bench.ann.metadata).task
    assert again.lane == pb.LANE_BULK, again
    assert bench.finish(again).status == pb.TASK_STATUS_COMPLETED, again


@scenario("list-actors")
def _(bench: Bench) -> None:
    actors = bench.ann.stub.ListActors(pb.ListActorsRequest(), metadata=bench.ann.metadata).items
    assert bench.done.actor in [one.name for one in actors], actors
    assert all(one.slots > 0 and one.version and one.seen_at.seconds > 0 for one in actors), actors
