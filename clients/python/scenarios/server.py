"""Health checks and server reflection."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from .fixture import IMAGE_SERVICE, Fixture, expect_refused, scenario

SERVING = health_pb2.HealthCheckResponse.SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def health(fixture: Fixture) -> health_pb2_grpc.HealthStub:
    return health_pb2_grpc.HealthStub(fixture.public_caller.channel)


@scenario("health-check")
def _(fixture: Fixture) -> None:
    for service in ("", IMAGE_SERVICE):
        response = health(fixture).Check(health_pb2.HealthCheckRequest(service=service))
        assert response.status == SERVING, (service, response)


@scenario("health-unknown")
def _(fixture: Fixture) -> None:
    with expect_refused("NOT_FOUND"):
        health(fixture).Check(health_pb2.HealthCheckRequest(service="no.Such"))


@scenario("health-list")
def _(fixture: Fixture) -> None:
    statuses = health(fixture).List(health_pb2.HealthListRequest()).statuses
    assert {"", IMAGE_SERVICE, "grpc.health.v1.Health"} <= set(statuses), statuses
    assert {status.status for status in statuses.values()} == {SERVING}, statuses


@scenario("health-watch")
def _(fixture: Fixture) -> None:
    for service, status in ((IMAGE_SERVICE, SERVING), ("no.Such", SERVICE_UNKNOWN)):
        watch = health(fixture).Watch(health_pb2.HealthCheckRequest(service=service), timeout=1)
        seen: list[int] = []
        with expect_refused("DEADLINE_EXCEEDED"):
            for response in watch:
                seen.append(response.status)
        assert seen == [status], (service, seen)


@scenario("reflection")
def _(fixture: Fixture) -> None:
    check_reflection(fixture, "grpc.reflection.v1")


@scenario("reflection-alpha")
def _(fixture: Fixture) -> None:
    check_reflection(fixture, "grpc.reflection.v1alpha")


def check_reflection(fixture: Fixture, package: str) -> None:
    """Checks reflection in either version; both have the same messages."""
    call = fixture.public_caller.channel.stream_stream(
        f"/{package}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=IMAGE_SERVICE),
    ]
    listed, described = call(iter(requests), timeout=10)
    names = [service.name for service in listed.list_services_response.service]
    assert IMAGE_SERVICE in names and "grpc.health.v1.Health" in names, names
    files = [
        FileDescriptorProto.FromString(encoded)
        for encoded in described.file_descriptor_response.file_descriptor_proto
    ]
    by_name = {file.name: file for file in files}
    assert "pixelflow/v1/image.proto" in by_name, list(by_name)
    assert all(dependency in by_name for file in files for dependency in file.dependency), list(by_name)
    (service,) = by_name["pixelflow/v1/image.proto"].service
    assert "WatchTask" in [method.name for method in service.method], service
