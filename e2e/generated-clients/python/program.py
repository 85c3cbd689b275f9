"""Uses a client that openapi-python-client generated: python program.py URL IMAGE. Prints one line of JSON."""

import json
import sys
import time
from io import BytesIO
from pathlib import Path

from pixelflow_api import Client
from pixelflow_api.api.images import upload_image
from pixelflow_api.api.tasks import create_task, get_output, get_task, list_tasks, process_image
from pixelflow_api.models import (
    CreateTask,
    ErrorCode,
    Event,
    FormatStepInput,
    FormatStepInputType,
    Image,
    Lane,
    Problem,
    RecipeInput,
    ResizeStep,
    ResizeStepInput,
    Task,
    TaskPage,
    TaskStatus,
)
from pixelflow_api.types import File

DEADLINE_S = 30
PAUSE_S = 0.05


def upload(client: Client, path: Path) -> Image:
    """Uploads a file as the body of the request."""
    image = upload_image.sync(client=client, body=File(payload=BytesIO(path.read_bytes())))
    if not isinstance(image, Image):
        raise TypeError(f"expected an Image, got {image}")
    return image


def create(client: Client, body: CreateTask) -> tuple[Task, str]:
    """Creates a task. Returns it with the position of the write."""
    response = create_task.sync_detailed(client=client, body=body)
    if not isinstance(response.parsed, Task):
        raise TypeError(f"expected a Task, got {response.parsed}")
    return response.parsed, response.headers["pixelflow-position"]


def wait_until_ended(client: Client, task_id: str) -> Task:
    """Reads a task until it has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        task = get_task.sync(task_id, client=client)
        if not isinstance(task, Task):
            raise TypeError(f"expected a Task, got {task}")
        if task.status not in (TaskStatus.QUEUED, TaskStatus.RUNNING):
            return task
        time.sleep(PAUSE_S)
    raise TimeoutError(f"task {task_id} did not end in {DEADLINE_S} s")


def follow(client: Client, task_id: str) -> list[Event]:
    """Reads the events of a task until the last one. The generator does not support event streams."""
    events = []
    with client.get_httpx_client().stream("GET", f"/api/v1/tasks/{task_id}/events") as response:
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: {}":
                events.append(Event.from_dict(json.loads(line.removeprefix("data: "))))
    return events


def main(url: str, path: Path) -> None:
    with Client(base_url=url, raise_on_unexpected_status=True) as client:
        image = upload(client, path)

        # Parameters with a default are optional in a request, and present in a response.
        to_png = FormatStepInput(op="format", type_=FormatStepInputType.PNG)
        recipe = RecipeInput(steps=[ResizeStepInput(op="resize", width=40), to_png])
        created, _ = create(client, CreateTask(image=image.id, recipe=recipe))
        task = wait_until_ended(client, created.id)
        resize = task.recipe.steps[0]
        if not isinstance(resize, ResizeStep):
            raise TypeError(f"expected a ResizeStep, got {resize}")

        bulk, position = create(client, CreateTask(image=image.id, recipe="resize:20", lane=Lane.BULK))
        events = follow(client, bulk.id)
        page = list_tasks.sync(
            client=client, status=TaskStatus.COMPLETED, limit=10, pixelflow_position=position
        )
        if not isinstance(page, TaskPage):
            raise TypeError(f"expected a TaskPage, got {page}")

        content = get_output.sync(task.id, task.outputs[0].name, client=client)
        if not isinstance(content, File):
            raise TypeError(f"expected a File, got {content}")

        processed = process_image.sync(
            client=client, recipe="resize:30/format:webp", body=File(payload=BytesIO(path.read_bytes()))
        )
        if not isinstance(processed, File):
            raise TypeError(f"expected a File, got {processed}")

        problem = create_task.sync(client=client, body=CreateTask(image=image.id, recipe="resize:40/blur:900"))
        if not isinstance(problem, Problem):
            raise TypeError(f"expected a Problem, got {problem}")

    print(
        json.dumps(
            {
                "image": [image.format_, image.width, image.height],
                "lanes": [task.lane, bulk.lane],
                "status": task.status,
                "events": [event.kind for event in events],
                "fit": resize.fit,
                "listed": {task.id, bulk.id} == {one.id for one in page.items},
                "output": [task.outputs[0].format_, task.outputs[0].width, task.outputs[0].bytes_],
                "isComplete": len(content.payload.read()) == task.outputs[0].bytes_,
                "processedFormat": processed.payload.read()[:4].decode("ascii"),
                "problem": [problem.status, problem.code, problem.field],
                "isInvalidRecipe": problem.code is ErrorCode.INVALID_RECIPE,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
