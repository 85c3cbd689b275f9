"""Health checks and server reflection."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from .bench import IMAGE_SERVICE, Bench, refused, scenario

SERVING = health_pb2.HealthCheckResponse.SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def health(bench: Bench) -> health_pb2_grpc.HealthStub:
    return health_pb2_grpc.HealthStub(bench.public_caller.channel)


@scenario("health-check")
def _(bench: Bench) -> None:
    for service in ("", IMAGE_SERVICE):
        answer = health(bench).Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == SERVING, (service, answer)


@scenario("health-unknown")
def _(bench: Bench) -> None:
    with refused("NOT_FOUND"):
        health(bench).Check(health_pb2.HealthCheckRequest(service="no.Such"))


@scenario("health-list")
def _(bench: Bench) -> None:
    statuses = health(bench).List(health_pb2.HealthListRequest()).statuses
    assert {"", IMAGE_SERVICE, "grpc.health.v1.Health"} <= set(statuses), statuses
    assert {one.status for one in statuses.values()} == {SERVING}, statuses


@scenario("health-watch")
def _(bench: Bench) -> None:
    for service, status in ((IMAGE_SERVICE, SERVING), ("no.Such", SERVICE_UNKNOWN)):
        watch = health(bench).Watch(health_pb2.HealthCheckRequest(service=service), timeout=1)
        seen = []
        with refused("DEADLINE_EXCEEDED"):
            for answer in watch:
                seen.append(answer.status)
        assert seen == [status], (service, seen)


@scenario("reflection")
def _(bench: Bench) -> None:
    reflected(bench, "grpc.reflection.v1")


@scenario("reflection-alpha")
def _(bench: Bench) -> None:
    reflected(bench, "grpc.reflection.v1alpha")


def reflected(bench: Bench, package: str) -> None:
    """Checks reflection in either version; both have the same messages."""
    ask = bench.public_caller.channel.stream_stream(
        f"/{package}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=IMAGE_SERVICE),
    ]
    listed, described = ask(iter(questions), timeout=10)
    names = [one.name for one in listed.list_services_response.service]
    assert IMAGE_SERVICE in names and "grpc.health.v1.Health" in names, names
    files = [
        FileDescriptorProto.FromString(one)
        for one in described.file_descriptor_response.file_descriptor_proto
    ]
    by_name = {file.name: file for file in files}
    assert "pixelflow/v1/image.proto" in by_name, list(by_name)
    assert all(needed in by_name for file in files for needed in file.dependency), list(by_name)
    (service,) = by_name["pixelflow/v1/image.proto"].service
    assert "WatchTask" in [method.name for method in service.method], service
