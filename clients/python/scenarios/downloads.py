"""Downloads of whole files and of ranges."""

from __future__ import annotations

import os

from pixelflow_client import CHUNK_BYTES, Client, connect, pb

from .fixture import Fixture, chunks, commit, digest, expect_refused, metadata, scenario
from .relay import Relay


def download(fixture: Fixture, **request) -> tuple[pb.Content, bytes]:
    """Calls Download, and returns the description of the file and its bytes."""
    first, *rest = fixture.ann.stub.Download(pb.DownloadRequest(**request), metadata=fixture.ann.metadata)
    assert first.WhichOneof("data") == "content", first
    assert all(response.WhichOneof("data") == "chunk" for response in rest)
    data = b"".join(response.chunk for response in rest)
    assert len(data) == first.content.length, first
    return first.content, data


@scenario("download-image")
def _(fixture: Fixture) -> None:
    content, data = download(fixture, image=fixture.image.id)
    assert data == fixture.bytes
    assert (content.bytes, content.sha256) == (len(data), digest(data)), content
    assert (content.media_type, content.file_name) == ("image/jpeg", f"{fixture.image.id}.jpg"), content


@scenario("download-output")
def _(fixture: Fixture) -> None:
    for output in fixture.done.outputs:
        content, data = download(fixture, output=pb.OutputName(task=fixture.done.id, name=output.name))
        assert digest(data) == content.sha256 == output.sha256, content
        assert content.media_type == output.media_type, content


@scenario("download-range")
def _(fixture: Fixture) -> None:
    content, data = download(fixture, image=fixture.image.id, offset=100, length=1000)
    assert data == fixture.bytes[100:1100]
    assert (content.offset, content.length) == (100, 1000), content
    assert (content.bytes, content.sha256) == (len(fixture.bytes), digest(fixture.bytes)), content


@scenario("download-tail")
def _(fixture: Fixture) -> None:
    content, data = download(fixture, image=fixture.image.id, offset=1000, length=1 << 40)
    assert data == fixture.bytes[1000:]
    assert content.length == len(fixture.bytes) - 1000, content


@scenario("download-first")
def _(fixture: Fixture) -> None:
    file, image = large_image(fixture)
    for _ in range(8):
        # gRPC adapts the flow-control window at the start of a connection, so each download opens its own.
        options = [("grpc.use_local_subchannel_pool", 1)]
        with connect(f"dns:///{fixture.address}", fixture.ann.tls, options) as channel:
            assert Client(channel, fixture.ann.token).download(image=image.id) == file


def large_image(fixture: Fixture) -> tuple[bytes, pb.Image]:
    file = fixture.bytes + os.urandom(6 * 1024 * 1024)
    return file, fixture.upload(metadata(), *chunks(file, CHUNK_BYTES), commit(file))


@scenario("download-resume")
def _(fixture: Fixture) -> None:
    file, image = large_image(fixture)
    with Relay(fixture.address, cut_after=1_000_000) as relay, connect(relay.address, fixture.ann.tls) as channel:
        assert Client(channel, fixture.ann.token).download(image=image.id) == file
        assert relay.connections == 2, relay.connections


@scenario("download-out-of-range")
def _(fixture: Fixture) -> None:
    with expect_refused("OUT_OF_RANGE", "RANGE_NOT_SATISFIABLE", "offset"):
        download(fixture, image=fixture.image.id, offset=len(fixture.bytes))


@scenario("download-no-output")
def _(fixture: Fixture) -> None:
    with expect_refused("NOT_FOUND", "OUTPUT_NOT_FOUND"):
        download(fixture, output=pb.OutputName(task=fixture.done.id, name="huge"))


@scenario("download-no-source")
def _(fixture: Fixture) -> None:
    with expect_refused("INVALID_ARGUMENT", "INVALID_REQUEST", "source"):
        download(fixture)
