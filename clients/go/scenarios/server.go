package main

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionalpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

const serving = grpc_health_v1.HealthCheckResponse_SERVING

var serverScenarios = []scenario{
	{"health-check", func(ctx context.Context, f *fixture) {
		for _, service := range []string{"", imageService} {
			response := must(f.health().Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service}))
			check(response.Status == serving, service, response)
		}
	}},
	{"health-unknown", func(ctx context.Context, f *fixture) {
		_, err := f.health().Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "no.Such"})
		expectRefused(err, codes.NotFound, "", "")
	}},
	{"health-list", func(ctx context.Context, f *fixture) {
		statuses := must(f.health().List(ctx, &grpc_health_v1.HealthListRequest{})).Statuses
		for _, service := range []string{"", imageService, "grpc.health.v1.Health"} {
			check(statuses[service].GetStatus() == serving, service, statuses)
		}
	}},
	{"health-watch", func(ctx context.Context, f *fixture) {
		expected := map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
			imageService: serving,
			"no.Such":    grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN,
		}
		for service, status := range expected {
			watchCtx, cancel := context.WithTimeout(ctx, time.Second)
			watch := must(f.health().Watch(watchCtx, &grpc_health_v1.HealthCheckRequest{Service: service}))
			responses, err := readAll(watch.Recv)
			cancel()
			expectRefused(err, codes.DeadlineExceeded, "", "")
			check(len(responses) == 1 && responses[0].Status == status, service, responses)
		}
	}},
	{"reflection", func(ctx context.Context, f *fixture) {
		stream := must(reflectionv1.NewServerReflectionClient(f.publicCaller.connection).ServerReflectionInfo(ctx))
		list := &reflectionv1.ServerReflectionRequest_ListServices{}
		check(stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: list}) == nil)
		names := map[string]bool{}
		for _, service := range must(stream.Recv()).GetListServicesResponse().GetService() {
			names[service.Name] = true
		}
		symbol := &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: imageService}
		check(stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: symbol}) == nil)
		checkReflection(names, must(stream.Recv()).GetFileDescriptorResponse().GetFileDescriptorProto())
		check(stream.CloseSend() == nil)
	}},
	{"reflection-alpha", func(ctx context.Context, f *fixture) {
		stream := must(reflectionalpha.NewServerReflectionClient(f.publicCaller.connection).ServerReflectionInfo(ctx))
		list := &reflectionalpha.ServerReflectionRequest_ListServices{}
		check(stream.Send(&reflectionalpha.ServerReflectionRequest{MessageRequest: list}) == nil)
		names := map[string]bool{}
		for _, service := range must(stream.Recv()).GetListServicesResponse().GetService() {
			names[service.Name] = true
		}
		symbol := &reflectionalpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: imageService}
		check(stream.Send(&reflectionalpha.ServerReflectionRequest{MessageRequest: symbol}) == nil)
		checkReflection(names, must(stream.Recv()).GetFileDescriptorResponse().GetFileDescriptorProto())
		check(stream.CloseSend() == nil)
	}},
}

func (f *fixture) health() grpc_health_v1.HealthClient {
	return grpc_health_v1.NewHealthClient(f.publicCaller.connection)
}

// checkReflection checks that reflection lists the services and returns the contract with all of its imports.
func checkReflection(services map[string]bool, encoded [][]byte) {
	check(services[imageService] && services["grpc.health.v1.Health"], services)
	files := map[string]*descriptorpb.FileDescriptorProto{}
	for _, bytes := range encoded {
		file := &descriptorpb.FileDescriptorProto{}
		check(proto.Unmarshal(bytes, file) == nil)
		files[file.GetName()] = file
	}
	contract := files["pixelflow/v1/image.proto"]
	check(contract != nil && contract.Service[0].GetName() == "ImageService", files)
	for _, file := range files {
		for _, dependency := range file.Dependency {
			check(files[dependency] != nil, dependency, "is missing")
		}
	}
}
