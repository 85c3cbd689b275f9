package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

var callerScenarios = []scenario{
	{"no-credentials", func(ctx context.Context, f *fixture) {
		_, err := f.unauthenticated.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
		if f.usesTLS() {
			expectRefused(err, codes.Unavailable, "", "")
		} else {
			expectRefused(err, codes.Unauthenticated, "UNAUTHENTICATED", "")
		}
	}},
	{"wrong-token", func(ctx context.Context, f *fixture) {
		wrongToken := newCaller(f.address, f.ann.security, "unknown-token")
		defer wrongToken.connection.Close()
		_, err := wrongToken.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
		expectRefused(err, codes.Unauthenticated, "UNAUTHENTICATED", "")
		_, err = wrongToken.upload(ctx, validUpload(f.photo)...)
		expectRefused(err, codes.Unauthenticated, "UNAUTHENTICATED", "")
		for _, err = range wrongToken.Watch(ctx, f.doneTask(ctx).Id, "") {
			check(err != nil, "the stream has an event")
		}
		expectRefused(err, codes.Unauthenticated, "UNAUTHENTICATED", "")
	}},
	{"wrong-certificate", func(ctx context.Context, f *fixture) {
		security := *f.untrusted
		security.CA = f.ann.security.CA
		expectRefused(f.listTasksWith(ctx, security), codes.Unavailable, "", "")
	}},
	{"wrong-server", func(ctx context.Context, f *fixture) {
		security := *f.ann.security
		security.CA = f.untrusted.CA
		expectRefused(f.listTasksWith(ctx, security), codes.Unavailable, "", "")
	}},
	{"other-account", func(ctx context.Context, f *fixture) {
		bob, image, task := f.bob, f.someImage(ctx).Id, f.doneTask(ctx).Id
		_, err := bob.RPC.GetImage(ctx, &pb.GetImageRequest{Id: image})
		expectRefused(err, codes.NotFound, "IMAGE_NOT_FOUND", "")
		call, err := bob.RPC.Download(ctx, f.imageRequest(ctx))
		_, err = must(call, err).Recv()
		expectRefused(err, codes.NotFound, "IMAGE_NOT_FOUND", "")
		_, err = bob.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: task})
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
		for _, err = range bob.Watch(ctx, task, "") {
			check(err != nil, "the stream has an event")
		}
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
		_, err = bob.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task})
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
		_, err = bob.DownloadOutput(ctx, task, "small")
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
		for _, listed := range must(bob.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 200})).Items {
			check(listed.Id != task, listed)
		}
	}},
	{"deadline", func(ctx context.Context, f *fixture) {
		task := f.create(ctx, longRecipe)
		defer f.cancel(ctx, task)
		callCtx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		events, err := f.watch(callCtx, task.Id, "")
		expectRefused(err, codes.DeadlineExceeded, "", "")
		check(len(events) > 0 && events[0].Kind == pb.TaskEventKind_TASK_EVENT_KIND_QUEUED, kinds(events))
	}},
	{"unknown-method", func(ctx context.Context, f *fixture) {
		err := f.ann.connection.Invoke(ctx, "/"+imageService+"/UnknownMethod", &emptypb.Empty{}, &emptypb.Empty{})
		expectRefused(err, codes.Unimplemented, "", "")
	}},
	{"concurrent-calls", func(ctx context.Context, f *fixture) {
		var calls sync.WaitGroup
		results := make(chan error, 500)
		for range cap(results) {
			calls.Go(func() {
				_, err := f.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{})
				results <- err
			})
		}
		calls.Wait()
		close(results)
		for err := range results {
			check(err == nil, err)
		}
	}},
}

// listTasksWith calls ListTasks with these certificates, and returns the error.
func (f *fixture) listTasksWith(ctx context.Context, security pixelflow.TLS) error {
	caller := newCaller(f.address, &security, "")
	defer caller.connection.Close()
	_, err := caller.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
	return err
}

// readAll reads a stream to its end and returns its messages.
func readAll[T any](recv func() (T, error)) ([]T, error) {
	var messages []T
	for {
		message, err := recv()
		if errors.Is(err, io.EOF) {
			return messages, nil
		}
		if err != nil {
			return messages, err
		}
		messages = append(messages, message)
	}
}
