"""Idempotency keys and read-your-writes consistency."""

from __future__ import annotations

import uuid

from pixelflow_client import pb, recipe_value

from .fixture import LONG_RECIPE, Fixture, expect_refused, scenario, unused_id


@scenario("retry-key")
def _(fixture: Fixture) -> None:
    retry, ann = fixture.ann.stub.RetryTask, fixture.ann
    with_key = (*ann.metadata, ("idempotency-key", str(uuid.uuid4())))
    request = pb.RetryTaskRequest(id=fixture.done.id)
    created = [retry(request, metadata=with_key).task for _ in range(2)]
    assert created[0].id == created[1].id != fixture.done.id, created
    assert {task.retry_of for task in created} == {fixture.done.id}, created
    assert fixture.finish(created[0]).status == pb.TASK_STATUS_COMPLETED, created
    with expect_refused("FAILED_PRECONDITION", "IDEMPOTENCY_KEY_REUSED"):
        retry(pb.RetryTaskRequest(id=created[0].id), metadata=with_key)
    with expect_refused("NOT_FOUND", "TASK_NOT_FOUND"):
        retry(pb.RetryTaskRequest(id=unused_id()), metadata=ann.metadata)


@scenario("position")
def _(fixture: Fixture) -> None:
    ann, request = fixture.ann, pb.CreateTaskRequest(image=fixture.image.id, recipe=recipe_value(LONG_RECIPE))
    response, call = ann.stub.CreateTask.with_call(request, metadata=ann.metadata)
    position = dict(call.initial_metadata())["pixelflow-position"]
    with_position = (*ann.metadata, ("pixelflow-position", position))
    listed = ann.stub.ListTasks(pb.ListTasksRequest(limit=200), metadata=with_position).items
    assert response.task.id in [task.id for task in listed], listed
    found = ann.stub.GetTask(pb.GetTaskRequest(id=response.task.id), metadata=with_position).task
    assert found.image == fixture.image.id, found
    _, call = ann.stub.CancelTask.with_call(pb.CancelTaskRequest(id=response.task.id), metadata=ann.metadata)
    assert dict(call.initial_metadata())["pixelflow-position"] != position, position
    log = position.split(".")[1]
    for invalid in ("!", f"zzzzzzz.{log}"):
        with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "pixelflow-position"):
            metadata = (*ann.metadata, ("pixelflow-position", invalid))
            ann.stub.ListTasks(pb.ListTasksRequest(), metadata=metadata)
