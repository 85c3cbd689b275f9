"""Shared parts of the scenarios: the registry, callers, test resources, and the check of failed calls."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grpc

from pixelflow_client import FINAL, Client, Tls, details_of, pb, recipe_value

IMAGE_SERVICE = "pixelflow.v1.ImageService"
TWO_OUTPUTS = {
    "steps": [{"op": "grayscale"}],
    "outputs": {
        "large": {"steps": [{"op": "resize", "width": 320}]},
        "small": {"steps": [{"op": "resize", "width": 64}, {"op": "format", "type": "webp"}]},
    },
}
# A recipe that takes about one second.
UNHURRIED = "resize:1200:enlarge/format:avif:effort=4"
# A recipe that takes longer than any scenario waits. A scenario that starts it cancels it.
SLOW = "resize:2400:enlarge/format:avif:90:effort=9"

Scenario = Callable[["Bench"], None]
scenarios: dict[str, Scenario] = {}
only_with_certificates: set[str] = set()


def scenario(name: str, certificates: bool = False) -> Callable[[Scenario], Scenario]:
    """Registers a scenario under its name in scenarios.md. `certificates` marks one that requires client certificates."""

    def register(run: Scenario) -> Scenario:
        assert name not in scenarios, f"two scenarios are called {name}"
        scenarios[name] = run
        if certificates:
            only_with_certificates.add(name)
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
class Bench:
    """One run against one server."""

    address: str
    http: str
    # Callers with different accounts.
    ann: Caller
    bob: Caller
    # Can connect, but sends no token.
    public_caller: Caller
    # Has neither token nor certificate.
    unauthenticated: Caller
    # CA and client certificate of another certificate authority; None without certificates.
    stranger: Tls | None
    photo: Path

    @property
    def encrypted(self) -> bool:
        return self.stranger is not None

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
    def slow(self) -> Iterator[pb.Task]:
        """A long-running task that is cancelled at the end of the block."""
        task = self.create(SLOW)
        try:
            yield task
        finally:
            self.cancel(task)

    def cancel(self, task: pb.Task) -> pb.Task:
        return self.ann.stub.CancelTask(pb.CancelTaskRequest(id=task.id), metadata=self.ann.metadata).task

    def upload(self, *pieces: pb.UploadRequest, who: Caller | None = None) -> pb.Image:
        who = who or self.ann
        return who.stub.Upload(iter(pieces), metadata=who.metadata).image


def metadata(media_type: str = "image/jpeg", size: int | None = None) -> pb.UploadRequest:
    return pb.UploadRequest(metadata=pb.UploadMetadata(media_type=media_type, bytes=size))


def chunks(data: bytes, size: int = 64 * 1024) -> list[pb.UploadRequest]:
    return [pb.UploadRequest(chunk=data[at : at + size]) for at in range(0, len(data), size)]


def commit(data: bytes, size: int | None = None, sha256: str | None = None) -> pb.UploadRequest:
    about = pb.UploadCommit(bytes=len(data) if size is None else size, sha256=sha256 or digest(data))
    return pb.UploadRequest(commit=about)


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
def refused(code: str, reason: str | None = None, field: str | None = None) -> Iterator[dict]:
    """Checks that the block fails with this status code, reason and invalid field. Fills in the error details."""
    details: dict = {}
    try:
        yield details
    except grpc.RpcError as error:
        said = f"{error.code().name}: {error.details()}"
        assert error.code().name == code, f"expected {code}, and it ended with {said}"
        details.update(details_of(error))
        if reason is not None:
            info = details["ErrorInfo"]
            assert (info.reason, info.domain) == (reason, "pixelflow"), (
                f"expected {reason}, not {info.reason} ({said})"
            )
            assert details["RequestInfo"].request_id, "no request id"
        if field is not None:
            fields = [one.field for one in details["BadRequest"].field_violations]
            assert field in fields, f"expected {field} among {fields} ({said})"
        return
    raise AssertionError(f"expected {code}, and nothing was refused")
