"""Idempotency keys and read-your-writes consistency."""

from __future__ import annotations

import uuid

from pixelflow_client import pb, recipe_value

from .bench import SLOW, Bench, refused, scenario, unused_id


@scenario("retry-key")
def _(bench: Bench) -> None:
    retry, ann = bench.ann.stub.RetryTask, bench.ann
    keyed = (*ann.metadata, ("idempotency-key", str(uuid.uuid4())))
    request = pb.RetryTaskRequest(id=bench.done.id)
    made = [retry(request, metadata=keyed).task for _ in range(2)]
    assert made[0].id == made[1].id != bench.done.id, made
    assert {one.retry_of for one in made} == {bench.done.id}, made
    assert bench.finish(made[0]).status == pb.TASK_STATUS_COMPLETED, made
    with refused("FAILED_PRECONDITION", "idempotency_key_reused"):
        retry(pb.RetryTaskRequest(id=made[0].id), metadata=keyed)
    with refused("NOT_FOUND", "task_not_found"):
        retry(pb.RetryTaskRequest(id=unused_id()), metadata=ann.metadata)


@scenario("position")
def _(bench: Bench) -> None:
    ann, request = bench.ann, pb.CreateTaskRequest(image=bench.image.id, recipe=recipe_value(SLOW))
    answer, call = ann.stub.CreateTask.with_call(request, metadata=ann.metadata)
    position = dict(call.initial_metadata())["pixelflow-position"]
    known = (*ann.metadata, ("pixelflow-position", position))
    listed = ann.stub.ListTasks(pb.ListTasksRequest(limit=200), metadata=known).items
    assert answer.task.id in [one.id for one in listed], listed
    assert ann.stub.GetTask(pb.GetTaskRequest(id=answer.task.id), metadata=known).task.image == bench.image.id
    _, call = ann.stub.CancelTask.with_call(pb.CancelTaskRequest(id=answer.task.id), metadata=ann.metadata)
    assert dict(call.initial_metadata())["pixelflow-position"] != position, position
    log = position.split(".")[1]
    for wrong in ("!", f"zzzzzzz.{log}"):
        with refused("INVALID_ARGUMENT", "invalid_request", "pixelflow-position"):
            metadata = (*ann.metadata, ("pixelflow-position", wrong))
            ann.stub.ListTasks(pb.ListTasksRequest(), metadata=metadata)
