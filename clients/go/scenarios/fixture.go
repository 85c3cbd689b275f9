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

// mediumRecipe takes about one second.
var mediumRecipe = text("resize:1200:enlarge/format:avif:effort=4")

// longRecipe takes longer than any scenario waits. A scenario that starts it cancels it.
var longRecipe = text("resize:2400:enlarge/format:avif:90:effort=9")

var shortRecipe = text("resize:40")

type options struct {
	address, http, photo string
	// The credentials of two accounts: tokens, or client certificates in the folder certs.
	token, otherToken string
	certs, untrusted  string
	ann, bob          string
}

// caller is a client with its own connection, and the credentials that it was opened with.
type caller struct {
	pixelflow.Client
	connection *grpc.ClientConn
	security   *pixelflow.TLS
	token      string
}

// fixture holds the server, the callers and the resources that the scenarios use.
type fixture struct {
	address, http string
	// Callers of two accounts.
	ann, bob caller
	// publicCaller can connect, but sends no token.
	publicCaller caller
	// unauthenticated has neither a token nor a certificate.
	unauthenticated caller
	// untrusted has the files of a certificate authority that the server does not trust; nil without TLS.
	untrusted *pixelflow.TLS
	photo     []byte

	image *pb.Image
	done  *pb.Task
}

func newFixture(options options) *fixture {
	f := &fixture{address: options.address, http: options.http, photo: must(os.ReadFile(options.photo))}
	if options.certs == "" {
		f.ann, f.bob = newCaller(f.address, nil, options.token), newCaller(f.address, nil, options.otherToken)
		f.publicCaller = newCaller(f.address, nil, "")
		f.unauthenticated = f.publicCaller
		return f
	}
	f.ann = newCaller(f.address, clientTLS(options.certs, options.ann), "")
	f.bob = newCaller(f.address, clientTLS(options.certs, options.bob), "")
	f.publicCaller = f.ann
	f.unauthenticated = newCaller(f.address, &pixelflow.TLS{CA: f.ann.security.CA}, "")
	f.untrusted = clientTLS(options.untrusted, options.ann)
	return f
}

func (f *fixture) usesTLS() bool { return f.untrusted != nil }

// newCaller connects to the server.
func newCaller(address string, security *pixelflow.TLS, token string) caller {
	connection := must(pixelflow.Connect("dns:///"+address, security, token))
	return caller{pixelflow.New(connection), connection, security, token}
}

// clientTLS returns the files that `./pixelflow certs --client name` writes to a folder.
func clientTLS(folder, name string) *pixelflow.TLS {
	client := filepath.Join(folder, "clients", name)
	return &pixelflow.TLS{CA: filepath.Join(folder, "ca.crt"), Cert: client + ".crt", Key: client + ".key"}
}

// someImage returns an image of ann's account. It uploads the image on the first call.
func (f *fixture) someImage(ctx context.Context) *pb.Image {
	if f.image == nil {
		f.image = must(f.ann.Upload(ctx, bytes.NewReader(f.photo), "image/jpeg"))
	}
	return f.image
}

// doneTask returns a completed task of ann's account with two outputs. It runs the task on the first call.
func (f *fixture) doneTask(ctx context.Context) *pb.Task {
	if f.done == nil {
		f.done = f.finish(ctx, f.create(ctx, twoOutputs()))
	}
	return f.done
}

func (f *fixture) create(ctx context.Context, recipe *structpb.Value) *pb.Task {
	return must(f.tryCreate(ctx, recipe)).Task
}

func (f *fixture) tryCreate(ctx context.Context, recipe *structpb.Value) (*pb.CreateTaskResponse, error) {
	return f.ann.RPC.CreateTask(ctx, &pb.CreateTaskRequest{Image: f.someImage(ctx).Id, Recipe: recipe})
}

func (f *fixture) finish(ctx context.Context, task *pb.Task) *pb.Task {
	events := mustAll(f.watch(ctx, task.Id, ""))
	return events[len(events)-1].Task
}

func (f *fixture) cancel(ctx context.Context, task *pb.Task) *pb.Task {
	return must(f.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: task.Id})).Task
}

// watch returns the events of a task that ann receives, and the error that ended the stream.
func (f *fixture) watch(ctx context.Context, task, after string) ([]*pb.TaskEvent, error) {
	var events []*pb.TaskEvent
	for event, err := range f.ann.Watch(ctx, task, after) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

// upload calls Upload with exactly these messages.
func (c caller) upload(ctx context.Context, requests ...*pb.UploadRequest) (*pb.Image, error) {
	call, err := c.RPC.Upload(ctx)
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err := call.Send(request); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	response, err := call.CloseAndRecv()
	return response.GetImage(), err
}

func metadata(mediaType string) *pb.UploadRequest {
	return &pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: &pb.UploadMetadata{MediaType: mediaType}}}
}

func metadataWithSize(mediaType string, size int64) *pb.UploadRequest {
	metadata := &pb.UploadMetadata{MediaType: mediaType, Bytes: &size}
	return &pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: metadata}}
}

func chunks(data []byte) []*pb.UploadRequest {
	var requests []*pb.UploadRequest
	for part := range slices.Chunk(data, 64*1024) {
		requests = append(requests, &pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: part}})
	}
	return requests
}

func commit(size int, sha256 string) *pb.UploadRequest {
	commit := &pb.UploadCommit{Bytes: int64(size), Sha256: sha256}
	return &pb.UploadRequest{Data: &pb.UploadRequest_Commit{Commit: commit}}
}

// validUpload returns the messages of a valid upload.
func validUpload(data []byte) []*pb.UploadRequest {
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
	var tokens []string
	for _, event := range events {
		tokens = append(tokens, event.Token)
	}
	return tokens
}

// must returns the value, or fails the scenario if there is an error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(pixelflow.Explain(err))
	}
	return value
}

// mustAll is must for a list.
func mustAll[T any](values []T, err error) []T { return must(values, err) }

// check fails the scenario if a condition is false, and reports the actual values.
func check(condition bool, values ...any) {
	if !condition {
		panic(fmt.Sprintf("check failed: %+v", values))
	}
}

// expectRefused checks that a call has failed with a status code, a reason and an invalid field. Reason and field are not
// checked if they are empty.
func expectRefused(err error, code codes.Code, reason, field string) pixelflow.Details {
	check(err != nil, "expected", code, "but the call succeeded")
	check(status.Code(err) == code, "expected", code, "got", err)
	details := pixelflow.DetailsOf(err)
	if reason != "" {
		check(details.Info.GetReason() == reason && details.Info.GetDomain() == "pixelflow", "expected", reason, "got", err, details)
		check(details.Code() == strings.ToLower(reason), "expected the code of", reason, "got", details.Code())
		check(details.Request.GetRequestId() != "", "the error has no request id", err)
	}
	if field != "" {
		var fields []string
		for _, violation := range details.Fields {
			fields = append(fields, violation.Field)
		}
		check(slices.Contains(fields, field), "expected", field, "among", fields, err)
	}
	return details
}
