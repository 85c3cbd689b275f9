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
	{"retry-key", func(ctx context.Context, b *bench) {
		done := b.doneTask(ctx)
		keyed := grpcmetadata.AppendToOutgoingContext(ctx, "idempotency-key", unusedID())
		request := &pb.RetryTaskRequest{Id: done.Id}
		first := must(b.ann.RPC.RetryTask(keyed, request)).Task
		second := must(b.ann.RPC.RetryTask(keyed, request)).Task
		check(first.Id == second.Id && first.Id != done.Id, first, second)
		check(first.RetryOf == done.Id && second.RetryOf == done.Id, first, second)
		check(b.finish(ctx, first).Status == pb.TaskStatus_TASK_STATUS_COMPLETED, first)
		_, err := b.ann.RPC.RetryTask(keyed, &pb.RetryTaskRequest{Id: first.Id})
		refused(err, codes.FailedPrecondition, "idempotency_key_reused", "")
		_, err = b.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: unusedID()})
		refused(err, codes.NotFound, "task_not_found", "")
	}},
	{"position", func(ctx context.Context, b *bench) {
		const key = "pixelflow-position"
		var made, ended grpcmetadata.MD
		request := &pb.CreateTaskRequest{Image: b.someImage(ctx).Id, Recipe: slow}
		task := must(b.ann.RPC.CreateTask(ctx, request, grpc.Header(&made))).Task
		check(len(made.Get(key)) == 1, made)
		position := made.Get(key)[0]
		known := grpcmetadata.AppendToOutgoingContext(ctx, key, position)
		listed := must(b.ann.RPC.ListTasks(known, &pb.ListTasksRequest{Limit: 200})).Items
		check(slices.ContainsFunc(listed, func(one *pb.Task) bool { return one.Id == task.Id }), listed)
		check(must(b.ann.RPC.GetTask(known, &pb.GetTaskRequest{Id: task.Id})).Task.Image == task.Image)
		must(b.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task.Id}, grpc.Header(&ended)))
		check(len(ended.Get(key)) == 1 && ended.Get(key)[0] != position, ended)
		_, log, _ := strings.Cut(position, ".")
		for _, wrong := range []string{"!", "zzzzzzz." + log} {
			_, err := b.ann.RPC.ListTasks(grpcmetadata.AppendToOutgoingContext(ctx, key, wrong), &pb.ListTasksRequest{})
			refused(err, codes.InvalidArgument, "invalid_request", key)
		}
	}},
}
