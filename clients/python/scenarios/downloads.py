"""Downloads of whole files and of ranges."""

from __future__ import annotations

import os

from pixelflow_client import CHUNK_BYTES, Client, connect, pb

from .bench import Bench, chunks, commit, digest, metadata, refused, scenario
from .relay import Relay


def download(bench: Bench, **request) -> tuple[pb.Content, bytes]:
    """Returns the description of a file and its bytes."""
    first, *rest = bench.ann.stub.Download(pb.DownloadRequest(**request), metadata=bench.ann.metadata)
    assert first.WhichOneof("data") == "content", first
    assert all(one.WhichOneof("data") == "chunk" for one in rest)
    data = b"".join(one.chunk for one in rest)
    assert len(data) == first.content.length, first
    return first.content, data


@scenario("download-image")
def _(bench: Bench) -> None:
    about, data = download(bench, image=bench.image.id)
    assert data == bench.bytes
    assert (about.bytes, about.sha256) == (len(data), digest(data)), about
    assert (about.media_type, about.file_name) == ("image/jpeg", f"{bench.image.id}.jpg"), about


@scenario("download-output")
def _(bench: Bench) -> None:
    for output in bench.done.outputs:
        about, data = download(bench, output=pb.OutputName(task=bench.done.id, name=output.name))
        assert digest(data) == about.sha256 == output.sha256, about
        assert about.media_type == output.media_type, about


@scenario("download-range")
def _(bench: Bench) -> None:
    about, data = download(bench, image=bench.image.id, offset=100, length=1000)
    assert data == bench.bytes[100:1100]
    assert (about.offset, about.length) == (100, 1000), about
    assert (about.bytes, about.sha256) == (len(bench.bytes), digest(bench.bytes)), about


@scenario("download-tail")
def _(bench: Bench) -> None:
    about, data = download(bench, image=bench.image.id, offset=1000, length=1 << 40)
    assert data == bench.bytes[1000:]
    assert about.length == len(bench.bytes) - 1000, about


@scenario("download-first")
def _(bench: Bench) -> None:
    file, image = large_image(bench)
    for _ in range(8):
        # gRPC adapts the flow-control window at the start of a connection, so each download opens its own.
        own = [("grpc.use_local_subchannel_pool", 1)]
        with connect(f"dns:///{bench.address}", bench.ann.tls, own) as channel:
            assert Client(channel, bench.ann.token).download(image=image.id) == file


def large_image(bench: Bench) -> tuple[bytes, pb.Image]:
    file = bench.bytes + os.urandom(6 * 1024 * 1024)
    return file, bench.upload(metadata(), *chunks(file, CHUNK_BYTES), commit(file))


@scenario("download-resume")
def _(bench: Bench) -> None:
    file, image = large_image(bench)
    with Relay(bench.address, cut_after=1_000_000) as relay, connect(relay.address, bench.ann.tls) as channel:
        assert Client(channel, bench.ann.token).download(image=image.id) == file
        assert relay.connections == 2, relay.connections


@scenario("download-outside")
def _(bench: Bench) -> None:
    with refused("OUT_OF_RANGE", "range_not_satisfiable", "offset"):
        download(bench, image=bench.image.id, offset=len(bench.bytes))


@scenario("download-no-output")
def _(bench: Bench) -> None:
    with refused("NOT_FOUND", "output_not_found"):
        download(bench, output=pb.OutputName(task=bench.done.id, name="huge"))


@scenario("download-nothing")
def _(bench: Bench) -> None:
    with refused("INVALID_ARGUMENT", "invalid_request", "source"):
        download(bench)
