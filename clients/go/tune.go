package pixelflow

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// Tuning is a session that previews changes of a recipe on one image. Changes may be sent at any rate and from any
// goroutine; the server may skip all but the newest one. To end the session, cancel its context, or call Finish and then
// Next until it returns io.EOF.
type Tuning struct {
	call     grpc.BidiStreamingClient[pb.TuneRequest, pb.TuneResponse]
	mutex    sync.Mutex
	sequence int64
}

// TuneMessage is a message from the server during a tuning session. Data contains the bytes of a preview.
type TuneMessage struct {
	*pb.TuneResponse
	Data []byte
}

// Tune opens a session on an image.
func (c Client) Tune(ctx context.Context, image string, recipe *structpb.Value) (*Tuning, error) {
	call, err := c.RPC.Tune(ctx)
	if err != nil {
		return nil, err
	}
	open := &pb.TuneOpen{Image: image, Recipe: recipe}
	return &Tuning{call: call}, call.Send(&pb.TuneRequest{Data: &pb.TuneRequest_Open{Open: open}})
}

// Set sends new values by parameter path, such as "steps[0].sigma". It returns the number of the change.
func (t *Tuning) Set(values map[string]any) (int64, error) {
	set, err := structpb.NewStruct(values)
	if err != nil {
		return 0, err
	}
	return t.change(&pb.TuneChange{Set: set})
}

// Replace sends a new recipe. It returns the number of the change.
func (t *Tuning) Replace(recipe *structpb.Value) (int64, error) {
	return t.change(&pb.TuneChange{Recipe: recipe})
}

// Apply creates a task with the current recipe, without refused changes. The message TuneApplied contains the task.
func (t *Tuning) Apply() error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.call.Send(&pb.TuneRequest{Data: &pb.TuneRequest_Apply{Apply: &pb.TuneApply{}}})
}

// Finish closes the sending side. The server still answers the newest change.
func (t *Tuning) Finish() error { return t.call.CloseSend() }

// Next returns the next message. It returns a preview once all of its bytes have arrived, and io.EOF after a normal end.
func (t *Tuning) Next() (TuneMessage, error) {
	response, err := t.call.Recv()
	if err != nil {
		return TuneMessage{}, err
	}
	message := TuneMessage{TuneResponse: response}
	for int64(len(message.Data)) < response.GetPreview().GetBytes() {
		next, err := t.call.Recv()
		if err != nil {
			return TuneMessage{}, err
		}
		message.Data = append(message.Data, next.GetChunk()...)
	}
	return message, nil
}

func (t *Tuning) change(change *pb.TuneChange) (int64, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.sequence++
	change.Sequence = t.sequence
	return t.sequence, t.call.Send(&pb.TuneRequest{Data: &pb.TuneRequest_Change{Change: change}})
}
