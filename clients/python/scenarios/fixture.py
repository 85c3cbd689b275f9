"""What the scenarios share: their registry, the callers and resources, and the check of failed calls."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grpc

from pixelflow_client import FINAL, Client, Tls, details_of, error_code, pb, recipe_value

IMAGE_SERVICE = "pixelflow.v1.ImageService"
TWO_OUTPUTS = {
    "steps": [{"op": "grayscale"}],
    "outputs": {
        "large": {"steps": [{"op": "resize", "width": 320}]},
        "small": {"steps": [{"op": "resize", "width": 64}, {"op": "format", "type": "webp"}]},
    },
}
# A recipe that takes about one second.
MEDIUM_RECIPE = "resize:1200:enlarge/format:avif:effort=4"
# A recipe that takes longer than any scenario waits. A scenario that starts it cancels it.
LONG_RECIPE = "resize:2400:enlarge/format:avif:90:effort=9"

Scenario = Callable[["Fixture"], None]
scenarios: dict[str, Scenario] = {}
only_with_tls: set[str] = set()


def scenario(name: str, needs_tls: bool = False) -> Callable[[Scenario], Scenario]:
    """Registers a scenario under its name in scenarios.md. `needs_tls` marks one that runs only with
    client certificates."""

    def register(run: Scenario) -> Scenario:
        assert name not in scenarios, f"two scenarios have the name {name}"
        scenarios[name] = run
        if needs_tls:
            only_with_tls.add(name)
        return run

    return register


@dataclass(frozen=True)
class Caller:
    """A client with a channel and optional credentials."""

    channel: grpc.Channel
    token: str | None = None
    tls: Tls | None = None

    @cached_property
    def client(self) -> Client:
        return Client(self.channel, self.token)

    @property
    def stub(self):
        return self.client.stub

    @property
    def metadata(self):
        return self.client.metadata


@dataclass(frozen=True)
class Fixture:
    """The server, the callers and the resources that the scenarios use."""

    address: str
    http: str
    # Callers of two accounts.
    ann: Caller
    bob: Caller
    # Can connect, but sends no token.
    public_caller: Caller
    # Has neither a token nor a certificate.
    unauthenticated: Caller
    # Files of a certificate authority that the server does not trust; None without TLS.
    untrusted: Tls | None
    photo: Path

    @property
    def uses_tls(self) -> bool:
        return self.untrusted is not None

    @cached_property
    def bytes(self) -> bytes:
        return self.photo.read_bytes()

    @cached_property
    def image(self) -> pb.Image:
        """An image of ann's account."""
        return self.ann.client.upload(self.photo, "image/jpeg")

    @cached_property
    def done(self) -> pb.Task:
        """A completed task of ann's account with two outputs."""
        return self.finish(self.create(TWO_OUTPUTS))

    def create(self, recipe: str | dict = "resize:40") -> pb.Task:
        request = pb.CreateTaskRequest(image=self.image.id, recipe=recipe_value(recipe))
        return self.ann.stub.CreateTask(request, metadata=self.ann.metadata).task

    def finish(self, task: pb.Task) -> pb.Task:
        *_, last = self.ann.client.watch(task.id)
        return last.task

    @contextmanager
    def long_task(self) -> Iterator[pb.Task]:
        """A long-running task that is cancelled at the end of the block."""
        task = self.create(LONG_RECIPE)
        try:
            yield task
        finally:
            self.cancel(task)

    def cancel(self, task: pb.Task) -> pb.Task:
        return self.ann.stub.CancelTask(pb.CancelTaskRequest(id=task.id), metadata=self.ann.metadata).task

    def upload(self, *requests: pb.UploadRequest, caller: Caller | None = None) -> pb.Image:
        """Calls Upload with exactly these messages."""
        caller = caller or self.ann
        return caller.stub.Upload(iter(requests), metadata=caller.metadata).image


def metadata(media_type: str = "image/jpeg", size: int | None = None) -> pb.UploadRequest:
    return pb.UploadRequest(metadata=pb.UploadMetadata(media_type=media_type, bytes=size))


def chunks(data: bytes, size: int = 64 * 1024) -> list[pb.UploadRequest]:
    return [pb.UploadRequest(chunk=data[at : at + size]) for at in range(0, len(data), size)]


def commit(data: bytes, size: int | None = None, sha256: str | None = None) -> pb.UploadRequest:
    size = len(data) if size is None else size
    return pb.UploadRequest(commit=pb.UploadCommit(bytes=size, sha256=sha256 or digest(data)))


def digest(data: bytes | bytearray) -> str:
    return hashlib.sha256(data).hexdigest()


def unused_id() -> str:
    """Returns an id that no resource has."""
    return f"01999999-9999-7999-8999-{uuid.uuid4().hex[:12]}"


def kinds(events: Iterable[pb.TaskEvent]) -> list[str]:
    return [pb.TaskEventKind.Name(event.kind).removeprefix("TASK_EVENT_KIND_") for event in events]


def tokens(events: Iterable[pb.TaskEvent]) -> list[str]:
    return [event.token for event in events]


def is_final(event: pb.TaskEvent) -> bool:
    return event.kind in FINAL


@contextmanager
def expect_refused(code: str, reason: str | None = None, field: str | None = None) -> Iterator[dict]:
    """Checks that the block fails with this status code, reason and invalid field. Yields a dict that then contains the
    error details."""
    details: dict = {}
    try:
        yield details
    except grpc.RpcError as error:
        actual = f"{error.code().name}: {error.details()}"
        assert error.code().name == code, f"expected {code}, got {actual}"
        details.update(details_of(error))
        if reason is not None:
            info = details["ErrorInfo"]
            assert (info.reason, info.domain) == (reason, "pixelflow"), (
                f"expected {reason}, got {info.reason} ({actual})"
            )
            assert error_code(error) == reason.lower(), f"expected the code of {reason}, got {error_code(error)}"
            assert details["RequestInfo"].request_id, "the error has no request id"
        if field is not None:
            fields = [violation.field for violation in details["BadRequest"].field_violations]
            assert field in fields, f"expected {field} among {fields} ({actual})"
        return
    raise AssertionError(f"expected {code}, but the call succeeded")
