package main

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// Idempotency keys and read-your-writes consistency.
var keyScenarios = []scenario{
	{"retry-key", func(ctx context.Context, f *fixture) {
		done := f.doneTask(ctx)
		withKey := grpcmetadata.AppendToOutgoingContext(ctx, "idempotency-key", unusedID())
		request := &pb.RetryTaskRequest{Id: done.Id}
		first := must(f.ann.RPC.RetryTask(withKey, request)).Task
		second := must(f.ann.RPC.RetryTask(withKey, request)).Task
		check(first.Id == second.Id && first.Id != done.Id, first, second)
		check(first.RetryOf == done.Id && second.RetryOf == done.Id, first, second)
		check(f.finish(ctx, first).Status == pb.TaskStatus_TASK_STATUS_COMPLETED, first)
		_, err := f.ann.RPC.RetryTask(withKey, &pb.RetryTaskRequest{Id: first.Id})
		expectRefused(err, codes.FailedPrecondition, "IDEMPOTENCY_KEY_REUSED", "")
		_, err = f.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: unusedID()})
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
	}},
	{"position", func(ctx context.Context, f *fixture) {
		const key = "pixelflow-position"
		var createHeader, cancelHeader grpcmetadata.MD
		request := &pb.CreateTaskRequest{Image: f.someImage(ctx).Id, Recipe: longRecipe}
		task := must(f.ann.RPC.CreateTask(ctx, request, grpc.Header(&createHeader))).Task
		check(len(createHeader.Get(key)) == 1, createHeader)
		position := createHeader.Get(key)[0]
		withPosition := grpcmetadata.AppendToOutgoingContext(ctx, key, position)
		listed := must(f.ann.RPC.ListTasks(withPosition, &pb.ListTasksRequest{Limit: 200})).Items
		check(slices.ContainsFunc(listed, func(other *pb.Task) bool { return other.Id == task.Id }), listed)
		check(must(f.ann.RPC.GetTask(withPosition, &pb.GetTaskRequest{Id: task.Id})).Task.Image == task.Image)
		must(f.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task.Id}, grpc.Header(&cancelHeader)))
		check(len(cancelHeader.Get(key)) == 1 && cancelHeader.Get(key)[0] != position, cancelHeader)
		_, log, _ := strings.Cut(position, ".")
		for _, invalid := range []string{"!", "zzzzzzz." + log} {
			_, err := f.ann.RPC.ListTasks(grpcmetadata.AppendToOutgoingContext(ctx, key, invalid), &pb.ListTasksRequest{})
			expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", key)
		}
	}},
}
