// Package pixelflow is a small PixelFlow client: upload, process with live progress, watch, download, process an image in
// one call, tune.
//
// Copy this package into your program; example/ shows how to use it. It uses grpc-go and the code in gen/, which is
// generated from proto/pixelflow/v1/image.proto.
package pixelflow

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// Client makes calls on a connection. Explain formats their errors.
type Client struct {
	// RPC is the generated client with every method of the service.
	RPC pb.ImageServiceClient
}

// New creates a client on a connection.
func New(connection grpc.ClientConnInterface) Client {
	return Client{RPC: pb.NewImageServiceClient(connection)}
}

// Result is a finished output and its bytes.
type Result struct {
	Output *pb.Output
	Data   []byte
}

// Process creates a task, calls onEvent for each of its events, and returns its outputs. After a broken connection it
// continues with the same task after the last event.
func (c Client) Process(
	ctx context.Context, image string, recipe *structpb.Value, onEvent func(*pb.TaskEvent),
) ([]Result, error) {
	call, err := c.RPC.Process(ctx, &pb.ProcessRequest{Image: image, Recipe: recipe})
	if err != nil {
		return nil, err
	}
	var results []Result
	var last *pb.TaskEvent
	for {
		response, err := call.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return results, nil
		case status.Code(err) == codes.Unavailable && last != nil:
			return c.resumeProcess(ctx, last, onEvent)
		case err != nil:
			return nil, err
		}
		switch data := response.GetData().(type) {
		case *pb.ProcessResponse_Event:
			last = data.Event
			onEvent(last)
		case *pb.ProcessResponse_Output:
			results = append(results, Result{Output: data.Output})
		case *pb.ProcessResponse_Chunk:
			result := &results[len(results)-1]
			result.Data = append(result.Data, data.Chunk...)
		}
	}
}

// resumeProcess continues Process after the last event received.
func (c Client) resumeProcess(ctx context.Context, last *pb.TaskEvent, onEvent func(*pb.TaskEvent)) ([]Result, error) {
	if !IsFinal(last) {
		for event, err := range c.Watch(ctx, last.Task.Id, last.Token) {
			if err != nil {
				return nil, err
			}
			last = event
			onEvent(last)
		}
	}
	var results []Result
	for _, output := range last.Task.Outputs {
		data, err := c.DownloadOutput(ctx, last.Task.Id, output.Name)
		if err != nil {
			return nil, err
		}
		results = append(results, Result{Output: output, Data: data})
	}
	return results, nil
}

// Watch yields each event of a task once, starting after the token, or with the first event if the token is empty. It
// reopens broken connections and ends after the final event.
func (c Client) Watch(ctx context.Context, task, after string) iter.Seq2[*pb.TaskEvent, error] {
	return func(yield func(*pb.TaskEvent, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		retry := newBackoff()
		for {
			call, err := c.RPC.WatchTask(ctx, &pb.WatchTaskRequest{Id: task, After: after})
			for err == nil {
				var response *pb.WatchTaskResponse
				if response, err = call.Recv(); err != nil {
					break
				}
				after = response.Event.Token
				retry = newBackoff()
				if !yield(response.Event, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err := retry.wait(ctx, err); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// IsFinal reports whether an event is the last one of its task.
func IsFinal(event *pb.TaskEvent) bool {
	switch event.GetKind() {
	case pb.TaskEventKind_TASK_EVENT_KIND_COMPLETED,
		pb.TaskEventKind_TASK_EVENT_KIND_FAILED,
		pb.TaskEventKind_TASK_EVENT_KIND_CANCELLED:
		return true
	default:
		return false
	}
}
