"""A small PixelFlow client: upload, process with live progress, watch, download, process an image in one call.

Copy this module into your program; `example.py` shows how to use it. It uses grpcio and the code that `generate.py`
generates from the contract, proto/pixelflow/v1/image.proto.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "gen"))

from pixelflow.v1 import image_pb2 as pb  # noqa: E402
from pixelflow.v1 import image_pb2_grpc as rpc  # noqa: E402

# The load balancing policy (round robin) and the retry policy, the same in every client.
SERVICE_CONFIG = (HERE.parents[1] / "proto" / "service-config.json").read_text()
CHUNK_BYTES = 256 * 1024
# The server detects the format from the bytes.
ANY_TYPE = "application/octet-stream"
FINAL = (pb.TASK_EVENT_KIND_COMPLETED, pb.TASK_EVENT_KIND_FAILED, pb.TASK_EVENT_KIND_CANCELLED)


@dataclass(frozen=True)
class Tls:
    """PEM files: the certificate of the authority to trust, and the client certificate with its key. Without `cert` and
    `key` the client authenticates with the token only."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca.read_bytes(),
            private_key=self.key.read_bytes() if self.key else None,
            certificate_chain=self.cert.read_bytes() if self.cert else None,
        )


def connect(target: str, tls: Tls | None = None, options: Sequence[tuple[str, Any]] = ()) -> grpc.Channel:
    """Opens a channel to every gateway behind `target`: "dns:///pixelflow.example.com:50051", or a list such as
    "ipv4:10.0.0.1:50051,10.0.0.2:50051". Calls are balanced over the available gateways, and reads include the
    earlier writes of the same channel. `options` are grpcio options that override those of this client."""
    channel_options = [
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.enable_retries", 1),
        # Keepalive detects a lost gateway also while no call sends data, as during a long watch.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        *options,
    ]
    if tls is None:
        channel = grpc.insecure_channel(target, channel_options)
    else:
        channel = grpc.secure_channel(target, tls.credentials(), channel_options)
    return grpc.intercept_channel(channel, PositionInterceptor())


POSITION = "pixelflow-position"


class PositionInterceptor(grpc.UnaryUnaryClientInterceptor):
    """Keeps the position of the channel's last write. Calls are balanced over the gateways; a read that sends the
    position includes that write on any gateway."""

    def __init__(self) -> None:
        self.newest: str | None = None

    def intercept_unary_unary(self, continuation: Callable, details: Any, request: Message) -> grpc.Call:
        metadata = details.metadata or ()
        if self.newest and POSITION not in [name for name, _ in metadata]:
            details = details._replace(metadata=(*metadata, (POSITION, self.newest)))
        call = continuation(details, request)
        call.add_done_callback(self._record)
        return call

    def _record(self, call: grpc.Call) -> None:
        if call.code() == grpc.StatusCode.INVALID_ARGUMENT:
            invalid = details_of(call).get("BadRequest")
            if invalid and POSITION in [violation.field for violation in invalid.field_violations]:
                # The server was restored from an older backup and no longer knows the position.
                self.newest = None
        for name, value in call.initial_metadata() or ():
            if name == POSITION and is_later(value, self.newest):
                self.newest = value


def is_later(position: str, known: str | None) -> bool:
    """Whether a position is newer than the known one, because responses can arrive out of order. A position of
    another log is newer: that log has replaced the previous one."""
    (sequence, log), (known_sequence, known_log) = position.split("."), (known or "0.").split(".")
    return log != known_log or int(sequence, 36) > int(known_sequence, 36)


@dataclass
class Result:
    """A finished output and its bytes."""

    output: pb.Output
    data: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class ProcessedImage:
    """A processed image and its bytes."""

    description: pb.ProcessedImage
    data: bytes


Request = TypeVar("Request", pb.UploadRequest, pb.ProcessImageRequest)


class Client:
    """Calls over one channel. Each may raise grpc.RpcError; `explain` formats it."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self.stub = rpc.ImageServiceStub(channel)
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def upload(self, path: Path, media_type: str = ANY_TYPE) -> pb.Image:
        """Uploads a file in chunks."""
        metadata = pb.UploadMetadata(media_type=media_type, bytes=path.stat().st_size)
        requests = file_requests(path, pb.UploadRequest, metadata)
        return self.stub.Upload(requests, metadata=self.metadata).image

    def process_image(self, path: Path, recipe: str | dict, output: str = "") -> ProcessedImage:
        """Processes a file in one call and returns the result. The server does not store a small file. `output` names
        the output to return; it may be empty if the recipe has one output."""
        metadata = pb.ProcessImageMetadata(
            media_type=ANY_TYPE, bytes=path.stat().st_size, recipe=recipe_value(recipe), output=output
        )
        requests = file_requests(path, pb.ProcessImageRequest, metadata)
        first, *rest = self.stub.ProcessImage(requests, metadata=self.metadata)
        return ProcessedImage(first.result, b"".join(response.chunk for response in rest))

    def process(
        self, image: str, recipe: str | dict, on_event: Callable[[pb.TaskEvent], None]
    ) -> list[Result]:
        """Creates a task, calls `on_event` for each of its events, and returns its outputs. After a broken connection
        it continues with the same task after the last event."""
        last: pb.TaskEvent | None = None
        results: list[Result] = []
        request = pb.ProcessRequest(image=image, recipe=recipe_value(recipe))
        try:
            for response in self.stub.Process(request, metadata=self.metadata):
                match response.WhichOneof("data"):
                    case "event":
                        last = response.event
                        on_event(last)
                    case "output":
                        results.append(Result(response.output))
                    case "chunk":
                        results[-1].data += response.chunk
            return results
        except grpc.RpcError as error:
            if last is None or error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
        task = last.task
        if last.kind not in FINAL:
            for event in self.watch(task.id, last.token):
                task = event.task
                on_event(event)
        return [Result(output, self.download_output(task.id, output.name)) for output in task.outputs]

    def watch(self, task: str, after: str = "") -> Iterator[pb.TaskEvent]:
        """Yields each event of a task once, starting after the token `after`, or with the first event if it is empty.
        Reopens broken connections. Ends after the final event."""
        backoff = Backoff()
        while True:
            try:
                request = pb.WatchTaskRequest(id=task, after=after)
                for response in self.stub.WatchTask(request, metadata=self.metadata):
                    after = response.event.token
                    backoff = Backoff()
                    yield response.event
                return
            except grpc.RpcError as error:
                backoff.wait(error)

    def download_output(self, task: str, name: str = "") -> bytearray:
        """Downloads a finished output."""
        return self.download(output=pb.OutputName(task=task, name=name))

    def download(self, **source: Any) -> bytearray:
        """Downloads a stored file, `image="<id>"` or `output=pb.OutputName(…)`, and verifies its digest. Resumes a
        broken connection. Raises DamagedDownloadError if the file is truncated or damaged."""
        data, backoff, content = bytearray(), Backoff(), pb.Content()
        while True:
            try:
                request = pb.DownloadRequest(offset=len(data), **source)
                for response in self.stub.Download(request, metadata=self.metadata):
                    if response.HasField("content"):
                        content = response.content
                    data += response.chunk
                    backoff = Backoff()
                break
            except grpc.RpcError as error:
                if content.bytes and len(data) == content.bytes:
                    break
                backoff.wait(error)
        if hashlib.sha256(data).hexdigest() != content.sha256:
            raise DamagedDownloadError(len(data), content.bytes)
        return data


class DamagedDownloadError(ValueError):
    """The downloaded bytes do not match the SHA-256 of the stored file."""

    def __init__(self, received: int, size: int) -> None:
        super().__init__(
            f"The downloaded bytes ({received} of {size}) do not match the SHA-256 of the stored file. "
            "Download the file again."
        )


class Backoff:
    """Limits how often a broken stream is reopened: for one minute, with exponentially growing pauses."""

    def __init__(self) -> None:
        self.pause, self.deadline = 0.1, time.monotonic() + 60

    def wait(self, error: grpc.RpcError) -> None:
        """Pauses before the next try. Raises the error if it is not temporary or the minute has passed."""
        if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() + self.pause > self.deadline:
            raise error
        time.sleep(self.pause)
        self.pause = min(2 * self.pause, 5)


def file_requests(path: Path, request: type[Request], metadata: Message) -> Iterator[Request]:
    """Yields the messages of an upload: metadata, chunks and commit."""
    size, digest = 0, hashlib.sha256()
    yield request(metadata=metadata)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            digest.update(chunk)
            yield request(chunk=chunk)
    yield request(commit=pb.UploadCommit(bytes=size, sha256=digest.hexdigest()))


def recipe_value(recipe: str | dict) -> Value:
    """Converts a recipe in text or JSON form to a protobuf value."""
    value = Value()
    if isinstance(recipe, str):
        value.string_value = recipe
    else:
        value.struct_value.update(recipe)
    return value


# The google.rpc messages attached to errors; image.proto describes them.
DETAILS: tuple[type[Message], ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.RequestInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.LocalizedMessage,
)


def details_of(error: grpc.RpcError) -> dict[str, Any]:
    """Returns the google.rpc details of an error by message name: `details_of(error)["ErrorInfo"].reason`."""
    status = rpc_status.from_call(error)
    found: dict[str, Any] = {}
    for detail in status.details if status else ():
        for message_type in DETAILS:
            message = message_type()
            if detail.Unpack(message):
                found[message_type.DESCRIPTOR.name] = message
    return found


def error_code(error: grpc.RpcError) -> str | None:
    """Returns the error code, which is the same as in problems over HTTP: `invalid_recipe` for the reason
    `INVALID_RECIPE`. None if the error has no PixelFlow details."""
    info = details_of(error).get("ErrorInfo")
    return info.reason.lower() if info and info.domain == "pixelflow" else None


def explain(error: grpc.RpcError) -> str:
    """Formats an error with its code, fields, remedy and request id."""
    details = details_of(error)
    lines = [f"{error.code().name}: {error.details()}"]
    if invalid := details.get("BadRequest"):
        lines += [f"  field: {violation.field}" for violation in invalid.field_violations]
    if remedy := details.get("LocalizedMessage"):
        lines.append(f"  {remedy.message}")
    if request := details.get("RequestInfo"):
        lines.append(f"  request: {request.request_id}")
    return "\n".join(lines)
