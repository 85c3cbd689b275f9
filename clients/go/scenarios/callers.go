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
	{"no-credentials", func(ctx context.Context, b *bench) {
		_, err := b.unauthenticated.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
		if b.encrypted() {
			refused(err, codes.Unavailable, "", "")
		} else {
			refused(err, codes.Unauthenticated, "unauthenticated", "")
		}
	}},
	{"wrong-token", func(ctx context.Context, b *bench) {
		liar := call(b.address, b.ann.security, "unknown-token")
		defer liar.connection.Close()
		_, err := liar.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
		refused(err, codes.Unauthenticated, "unauthenticated", "")
		_, err = liar.upload(ctx, whole(b.photo)...)
		refused(err, codes.Unauthenticated, "unauthenticated", "")
		for _, err = range liar.Watch(ctx, b.doneTask(ctx).Id, "") {
			check(err != nil, "an event was shown")
		}
		refused(err, codes.Unauthenticated, "unauthenticated", "")
	}},
	{"wrong-certificate", func(ctx context.Context, b *bench) {
		mine := *b.stranger
		mine.CA = b.ann.security.CA
		refused(b.callAs(ctx, mine), codes.Unavailable, "", "")
	}},
	{"wrong-server", func(ctx context.Context, b *bench) {
		mine := *b.ann.security
		mine.CA = b.stranger.CA
		refused(b.callAs(ctx, mine), codes.Unavailable, "", "")
	}},
	{"other-account", func(ctx context.Context, b *bench) {
		bob, image, task := b.bob, b.someImage(ctx).Id, b.doneTask(ctx).Id
		_, err := bob.RPC.GetImage(ctx, &pb.GetImageRequest{Id: image})
		refused(err, codes.NotFound, "image_not_found", "")
		call, err := bob.RPC.Download(ctx, b.ofImage(ctx))
		_, err = must(call, err).Recv()
		refused(err, codes.NotFound, "image_not_found", "")
		_, err = bob.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: task})
		refused(err, codes.NotFound, "task_not_found", "")
		for _, err = range bob.Watch(ctx, task, "") {
			check(err != nil, "an event was shown")
		}
		refused(err, codes.NotFound, "task_not_found", "")
		_, err = bob.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task})
		refused(err, codes.NotFound, "task_not_found", "")
		_, err = bob.DownloadOutput(ctx, task, "small")
		refused(err, codes.NotFound, "task_not_found", "")
		for _, one := range must(bob.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 200})).Items {
			check(one.Id != task, one)
		}
	}},
	{"deadline", func(ctx context.Context, b *bench) {
		task := b.create(ctx, slow)
		defer b.cancel(ctx, task)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		events, err := b.watch(short, task.Id, "")
		refused(err, codes.DeadlineExceeded, "", "")
		check(len(events) > 0 && events[0].Kind == pb.TaskEventKind_TASK_EVENT_KIND_QUEUED, kinds(events))
	}},
	{"unknown-method", func(ctx context.Context, b *bench) {
		err := b.ann.connection.Invoke(ctx, "/"+imageService+"/PaintPicture", &emptypb.Empty{}, &emptypb.Empty{})
		refused(err, codes.Unimplemented, "", "")
	}},
	{"many-at-once", func(ctx context.Context, b *bench) {
		var calls sync.WaitGroup
		answers := make(chan error, 500)
		for range cap(answers) {
			calls.Go(func() {
				_, err := b.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{})
				answers <- err
			})
		}
		calls.Wait()
		close(answers)
		for err := range answers {
			check(err == nil, err)
		}
	}},
}

func (b *bench) callAs(ctx context.Context, security pixelflow.TLS) error {
	someone := call(b.address, &security, "")
	defer someone.connection.Close()
	_, err := someone.RPC.ListTasks(ctx, &pb.ListTasksRequest{})
	return err
}

// drained reads a stream to its end and returns its messages.
func drained[T any](recv func() (T, error)) ([]T, error) {
	var seen []T
	for {
		one, err := recv()
		if errors.Is(err, io.EOF) {
			return seen, nil
		}
		if err != nil {
			return seen, err
		}
		seen = append(seen, one)
	}
}
