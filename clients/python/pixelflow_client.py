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

# Round robin over every address, and the retry policy; the same file in every client.
SERVICE_CONFIG = (HERE.parents[1] / "proto" / "service-config.json").read_text()
CHUNK_BYTES = 256 * 1024
# The server detects the format from the bytes.
ANY_TYPE = "application/octet-stream"
FINAL = (pb.TASK_EVENT_KIND_COMPLETED, pb.TASK_EVENT_KIND_FAILED, pb.TASK_EVENT_KIND_CANCELLED)


@dataclass(frozen=True)
class Tls:
    """PEM files: the trusted authority and the client certificate. Without `cert` and `key` only the token authenticates."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca.read_bytes(),
            private_key=self.key.read_bytes() if self.key else None,
            certificate_chain=self.cert.read_bytes() if self.cert else None,
        )


def connect(target: str, tls: Tls | None = None, more: Sequence[tuple[str, Any]] = ()) -> grpc.Channel:
    """Opens a channel to every gateway behind `target`: "dns:///pixelflow.example.com:50051", or a list such as
    "ipv4:10.0.0.1:50051,10.0.0.2:50051". Calls are balanced over the available gateways, and reads include the
    earlier writes of the same channel."""
    options = [
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.enable_retries", 1),
        # Keepalive detects a lost gateway while only a long watch is open.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        *more,
    ]
    if tls is None:
        return grpc.intercept_channel(grpc.insecure_channel(target, options), Positions())
    return grpc.intercept_channel(grpc.secure_channel(target, tls.credentials(), options), Positions())


POSITION = "pixelflow-position"


class Positions(grpc.UnaryUnaryClientInterceptor):
    """Stores the position of the channel's last write. Calls are balanced over the gateways; a read that sends the
    position includes that write on any gateway."""

    def __init__(self) -> None:
        self.newest: str | None = None

    def intercept_unary_unary(self, continuation: Callable, details: Any, request: Message) -> grpc.Call:
        own = details.metadata or ()
        if self.newest and POSITION not in [name for name, _ in own]:
            details = details._replace(metadata=(*own, (POSITION, self.newest)))
        call = continuation(details, request)
        call.add_done_callback(self.hear)
        return call

    def hear(self, call: grpc.Call) -> None:
        if call.code() == grpc.StatusCode.INVALID_ARGUMENT:
            bad = details_of(call).get("BadRequest")
            if bad and POSITION in [one.field for one in bad.field_violations]:
                # The server was restored from an older backup and no longer knows the position.
                self.newest = None
        for name, value in call.initial_metadata() or ():
            if name == POSITION and is_later(value, self.newest):
                self.newest = value


def is_later(one: str, other: str | None) -> bool:
    """Whether a position is newer: responses can arrive out of order."""
    (seq, log), (other_seq, other_log) = one.split("."), (other or "0.").split(".")
    return log != other_log or int(seq, 36) > int(other_seq, 36)


@dataclass
class Result:
    """A finished output and its bytes."""

    output: pb.Output
    data: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Picture:
    """A processed image and its bytes."""

    about: pb.ProcessedImage
    data: bytes


Sent = TypeVar("Sent", pb.UploadRequest, pb.ProcessImageRequest)


class Client:
    """Calls over one channel. Each may raise grpc.RpcError; `explain` formats it."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self.stub = rpc.ImageServiceStub(channel)
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def upload(self, path: Path, media_type: str = ANY_TYPE) -> pb.Image:
        """Uploads a file in chunks."""
        about = pb.UploadMetadata(media_type=media_type, bytes=path.stat().st_size)
        return self.stub.Upload(file_requests(path, pb.UploadRequest, about), metadata=self.metadata).image

    def process_image(self, path: Path, recipe: str | dict, output: str = "") -> Picture:
        """Processes a file in one call and returns the result. The server does not store a small file. `output` names
        the output to return; it may be empty if the recipe has one output."""
        about = pb.ProcessImageMetadata(
            media_type=ANY_TYPE, bytes=path.stat().st_size, recipe=recipe_value(recipe), output=output
        )
        requests = file_requests(path, pb.ProcessImageRequest, about)
        first, *rest = self.stub.ProcessImage(requests, metadata=self.metadata)
        return Picture(first.result, b"".join(one.chunk for one in rest))

    def process(
        self, image: str, recipe: str | dict, on_event: Callable[[pb.TaskEvent], None]
    ) -> list[Result]:
        """Creates a task, calls `on_event` for each of its events, and returns its outputs. After a broken connection
        it continues with the same task after the last event."""
        last: pb.TaskEvent | None = None
        results: list[Result] = []
        request = pb.ProcessRequest(image=image, recipe=recipe_value(recipe))
        try:
            for piece in self.stub.Process(request, metadata=self.metadata):
                match piece.WhichOneof("data"):
                    case "event":
                        last = piece.event
                        on_event(last)
                    case "output":
                        results.append(Result(piece.output))
                    case "chunk":
                        results[-1].data += piece.chunk
            return results
        except grpc.RpcError as error:
            if last is None or error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
        task = last.task
        if last.kind not in FINAL:
            for event in self.watch(task.id, last.token):
                task = event.task
                on_event(event)
        return [Result(one, self.download_output(task.id, one.name)) for one in task.outputs]

    def watch(self, task: str, after: str = "") -> Iterator[pb.TaskEvent]:
        """Yields each event of a task after the token `after` once, reopening broken connections. Ends after the final
        event."""
        patience = Patience()
        while True:
            try:
                request = pb.WatchTaskRequest(id=task, after=after)
                for answer in self.stub.WatchTask(request, metadata=self.metadata):
                    after = answer.event.token
                    patience = Patience()
                    yield answer.event
                return
            except grpc.RpcError as error:
                patience.wait(error)

    def download_output(self, task: str, name: str = "") -> bytearray:
        """Downloads a finished output."""
        return self.download(output=pb.OutputName(task=task, name=name))

    def download(self, **source: Any) -> bytearray:
        """Downloads a stored file, `image="<id>"` or `output=pb.OutputName(…)`, and verifies its digest. Resumes a
        broken connection."""
        data, patience, about = bytearray(), Patience(), pb.Content()
        while True:
            try:
                request = pb.DownloadRequest(offset=len(data), **source)
                for answer in self.stub.Download(request, metadata=self.metadata):
                    if answer.HasField("content"):
                        about = answer.content
                    data += answer.chunk
                    patience = Patience()
                break
            except grpc.RpcError as error:
                if about.bytes and len(data) == about.bytes:
                    break
                patience.wait(error)
        if hashlib.sha256(data).hexdigest() != about.sha256:
            raise ValueError("what was downloaded is not what is stored")
        return data


class Patience:
    """Reopens a stream while no gateway is available: for one minute, with exponential backoff."""

    def __init__(self) -> None:
        self.pause, self.deadline = 0.1, time.monotonic() + 60

    def wait(self, error: grpc.RpcError) -> None:
        """Pauses before the next try. Raises the error if it is not temporary or the minute is over."""
        if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() + self.pause > self.deadline:
            raise error
        time.sleep(self.pause)
        self.pause = min(2 * self.pause, 5)


def file_requests(path: Path, kind: type[Sent], metadata: Message) -> Iterator[Sent]:
    """Yields the messages of an upload: metadata, chunks and commit."""
    size, digest = 0, hashlib.sha256()
    yield kind(metadata=metadata)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            digest.update(chunk)
            yield kind(chunk=chunk)
    yield kind(commit=pb.UploadCommit(bytes=size, sha256=digest.hexdigest()))


def recipe_value(recipe: str | dict) -> Value:
    """Converts a recipe in text or JSON form to a protobuf value."""
    value = Value()
    if isinstance(recipe, str):
        value.string_value = recipe
    else:
        value.struct_value.update(recipe)
    return value


# The google.rpc details of an error; see the comment at the top of the proto.
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
    found = {}
    for detail in status.details if status else ():
        for kind in DETAILS:
            message = kind()
            if detail.Unpack(message):
                found[kind.DESCRIPTOR.name] = message
    return found


def explain(error: grpc.RpcError) -> str:
    """Formats an error with its field, code and remedy."""
    details = details_of(error)
    lines = [f"{error.code().name}: {error.details()}"]
    if bad := details.get("BadRequest"):
        lines += [f"  field: {one.field}" for one in bad.field_violations]
    if remedy := details.get("LocalizedMessage"):
        lines.append(f"  {remedy.message}")
    if request := details.get("RequestInfo"):
        lines.append(f"  request: {request.request_id}")
    return "\n".join(lines)
