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
	{"health-check", func(ctx context.Context, b *bench) {
		for _, service := range []string{"", imageService} {
			answer := must(b.health().Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service}))
			check(answer.Status == serving, service, answer)
		}
	}},
	{"health-unknown", func(ctx context.Context, b *bench) {
		_, err := b.health().Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "no.Such"})
		refused(err, codes.NotFound, "", "")
	}},
	{"health-list", func(ctx context.Context, b *bench) {
		statuses := must(b.health().List(ctx, &grpc_health_v1.HealthListRequest{})).Statuses
		for _, service := range []string{"", imageService, "grpc.health.v1.Health"} {
			check(statuses[service].GetStatus() == serving, service, statuses)
		}
	}},
	{"health-watch", func(ctx context.Context, b *bench) {
		expected := map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
			imageService: serving,
			"no.Such":    grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN,
		}
		for service, status := range expected {
			short, cancel := context.WithTimeout(ctx, time.Second)
			watch := must(b.health().Watch(short, &grpc_health_v1.HealthCheckRequest{Service: service}))
			seen, err := drained(watch.Recv)
			cancel()
			refused(err, codes.DeadlineExceeded, "", "")
			check(len(seen) == 1 && seen[0].Status == status, service, seen)
		}
	}},
	{"reflection", func(ctx context.Context, b *bench) {
		ask := must(reflectionv1.NewServerReflectionClient(b.publicCaller.connection).ServerReflectionInfo(ctx))
		list := &reflectionv1.ServerReflectionRequest_ListServices{}
		check(ask.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: list}) == nil)
		names := map[string]bool{}
		for _, one := range must(ask.Recv()).GetListServicesResponse().GetService() {
			names[one.Name] = true
		}
		symbol := &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: imageService}
		check(ask.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: symbol}) == nil)
		reflected(names, must(ask.Recv()).GetFileDescriptorResponse().GetFileDescriptorProto())
		check(ask.CloseSend() == nil)
	}},
	{"reflection-alpha", func(ctx context.Context, b *bench) {
		ask := must(reflectionalpha.NewServerReflectionClient(b.publicCaller.connection).ServerReflectionInfo(ctx))
		list := &reflectionalpha.ServerReflectionRequest_ListServices{}
		check(ask.Send(&reflectionalpha.ServerReflectionRequest{MessageRequest: list}) == nil)
		names := map[string]bool{}
		for _, one := range must(ask.Recv()).GetListServicesResponse().GetService() {
			names[one.Name] = true
		}
		symbol := &reflectionalpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: imageService}
		check(ask.Send(&reflectionalpha.ServerReflectionRequest{MessageRequest: symbol}) == nil)
		reflected(names, must(ask.Recv()).GetFileDescriptorResponse().GetFileDescriptorProto())
		check(ask.CloseSend() == nil)
	}},
}

func (b *bench) health() grpc_health_v1.HealthClient {
	return grpc_health_v1.NewHealthClient(b.publicCaller.connection)
}

// reflected checks that reflection lists the services and returns the contract with all of its imports.
func reflected(services map[string]bool, encoded [][]byte) {
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
		for _, needed := range file.Dependency {
			check(files[needed] != nil, needed, "is missing")
		}
	}
}
