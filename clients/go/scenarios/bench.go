package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

const imageService = "pixelflow.v1.ImageService"

// A recipe that takes about one second.
var unhurried = text("resize:1200:enlarge/format:avif:effort=4")

// A recipe that takes longer than any scenario waits. A scenario that starts it cancels it.
var slow = text("resize:2400:enlarge/format:avif:90:effort=9")

var tiny = text("resize:40")

type options struct {
	address, http, photo string
	// Credentials of two accounts: tokens, or client certificates in the folder certs.
	token, otherToken string
	certs, untrusted  string
	ann, bob          string
}

// caller is a client with its own connection and credentials.
type caller struct {
	pixelflow.Client
	connection *grpc.ClientConn
	security   *pixelflow.TLS
	token      string
}

// bench is one run against one server.
type bench struct {
	address, http string
	// Callers with different accounts.
	ann, bob caller
	// Can connect, but sends no token.
	publicCaller caller
	// Has neither token nor certificate.
	unauthenticated caller
	// CA and client certificate of another certificate authority; nil without certificates.
	stranger *pixelflow.TLS
	photo    []byte

	image *pb.Image
	done  *pb.Task
}

func newBench(options options) *bench {
	b := &bench{address: options.address, http: options.http, photo: must(os.ReadFile(options.photo))}
	if options.certs == "" {
		b.ann, b.bob = call(b.address, nil, options.token), call(b.address, nil, options.otherToken)
		b.publicCaller = call(b.address, nil, "")
		b.unauthenticated = b.publicCaller
		return b
	}
	b.ann = call(b.address, ofClient(options.certs, options.ann), "")
	b.bob = call(b.address, ofClient(options.certs, options.bob), "")
	b.publicCaller = b.ann
	b.unauthenticated = call(b.address, &pixelflow.TLS{CA: b.ann.security.CA}, "")
	b.stranger = ofClient(options.untrusted, options.ann)
	return b
}

func (b *bench) encrypted() bool { return b.stranger != nil }

func call(address string, security *pixelflow.TLS, token string) caller {
	connection := must(pixelflow.Connect("dns:///"+address, security, token))
	return caller{pixelflow.New(connection), connection, security, token}
}

// ofClient returns the files that `./pixelflow certs --client name` writes to a folder.
func ofClient(folder, name string) *pixelflow.TLS {
	own := filepath.Join(folder, "clients", name)
	return &pixelflow.TLS{CA: filepath.Join(folder, "ca.crt"), Cert: own + ".crt", Key: own + ".key"}
}

// someImage returns an image of ann's account.
func (b *bench) someImage(ctx context.Context) *pb.Image {
	if b.image == nil {
		b.image = must(b.ann.Upload(ctx, bytes.NewReader(b.photo), "image/jpeg"))
	}
	return b.image
}

// doneTask returns a completed task of ann's account with two outputs.
func (b *bench) doneTask(ctx context.Context) *pb.Task {
	if b.done == nil {
		b.done = b.finish(ctx, b.create(ctx, twoOutputs()))
	}
	return b.done
}

func (b *bench) create(ctx context.Context, recipe *structpb.Value) *pb.Task {
	return must(b.tryCreate(ctx, recipe)).Task
}

func (b *bench) tryCreate(ctx context.Context, recipe *structpb.Value) (*pb.CreateTaskResponse, error) {
	return b.ann.RPC.CreateTask(ctx, &pb.CreateTaskRequest{Image: b.someImage(ctx).Id, Recipe: recipe})
}

func (b *bench) finish(ctx context.Context, task *pb.Task) *pb.Task {
	events := all(b.watch(ctx, task.Id, ""))
	return events[len(events)-1].Task
}

func (b *bench) cancel(ctx context.Context, task *pb.Task) *pb.Task {
	return must(b.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task.Id})).Task
}

// watch returns the events of a task that ann receives, and the error that ended the stream.
func (b *bench) watch(ctx context.Context, task, after string) ([]*pb.TaskEvent, error) {
	var events []*pb.TaskEvent
	for event, err := range b.ann.Watch(ctx, task, after) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

// upload sends exactly these messages.
func (c caller) upload(ctx context.Context, pieces ...*pb.UploadRequest) (*pb.Image, error) {
	call, err := c.RPC.Upload(ctx)
	if err != nil {
		return nil, err
	}
	for _, piece := range pieces {
		if err := call.Send(piece); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	answer, err := call.CloseAndRecv()
	return answer.GetImage(), err
}

func metadata(mediaType string) *pb.UploadRequest {
	return &pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: &pb.UploadMetadata{MediaType: mediaType}}}
}

func metadataOf(mediaType string, size int64) *pb.UploadRequest {
	about := &pb.UploadMetadata{MediaType: mediaType, Bytes: &size}
	return &pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: about}}
}

func chunks(data []byte) []*pb.UploadRequest {
	var made []*pb.UploadRequest
	for part := range slices.Chunk(data, 64*1024) {
		made = append(made, &pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: part}})
	}
	return made
}

func commit(size int, sha256 string) *pb.UploadRequest {
	about := &pb.UploadCommit{Bytes: int64(size), Sha256: sha256}
	return &pb.UploadRequest{Data: &pb.UploadRequest_Commit{Commit: about}}
}

// whole returns the messages of a valid upload.
func whole(data []byte) []*pb.UploadRequest {
	return slices.Concat(
		[]*pb.UploadRequest{metadata("image/jpeg")}, chunks(data), []*pb.UploadRequest{commit(len(data), digest(data))})
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func text(recipe string) *structpb.Value { return structpb.NewStringValue(recipe) }

func twoOutputs() *structpb.Value {
	type tree = map[string]any
	steps := func(steps ...any) tree { return tree{"steps": steps} }
	return structpb.NewStructValue(must(structpb.NewStruct(tree{
		"steps": []any{tree{"op": "grayscale"}},
		"outputs": tree{
			"large": steps(tree{"op": "resize", "width": 320}),
			"small": steps(tree{"op": "resize", "width": 64}, tree{"op": "format", "type": "webp"}),
		},
	})))
}

// unusedID returns an id that no resource has.
func unusedID() string { return fmt.Sprintf("01999999-9999-7999-8999-%012x", rand.Int64N(1<<48)) }

func kinds(events []*pb.TaskEvent) string {
	var names []string
	for _, event := range events {
		names = append(names, strings.TrimPrefix(event.Kind.String(), "TASK_EVENT_KIND_"))
	}
	return strings.Join(names, " ")
}

func tokens(events []*pb.TaskEvent) []string {
	var found []string
	for _, event := range events {
		found = append(found, event.Token)
	}
	return found
}

// must returns the value, or panics if there is an error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(pixelflow.Explain(err))
	}
	return value
}

func all[T any](values []T, err error) []T { return must(values, err) }

// check panics with the actual values if a condition is false.
func check(isTrue bool, there ...any) {
	if !isTrue {
		panic(fmt.Sprintf("not as promised: %+v", there))
	}
}

// refused checks the status code, reason and invalid field of a failed call; reason and field may be empty.
func refused(err error, code codes.Code, reason, field string) pixelflow.Details {
	check(err != nil, "nothing was refused")
	check(status.Code(err) == code, code, "expected, and it ended with", err)
	details := pixelflow.DetailsOf(err)
	if reason != "" {
		check(details.Info.GetReason() == reason && details.Info.GetDomain() == "pixelflow", reason, "expected", err, details)
		check(details.Request.GetRequestId() != "", "no request id", err)
	}
	if field != "" {
		var fields []string
		for _, one := range details.Fields {
			fields = append(fields, one.Field)
		}
		check(slices.Contains(fields, field), field, "expected among", fields, err)
	}
	return details
}
