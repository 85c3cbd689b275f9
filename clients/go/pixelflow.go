// Package pixelflow is a small PixelFlow client: upload, process with live progress, watch, download.
//
// What a program of yours would hold is in here; example/ shows it at work. All of it is plain grpc-go on gen/, which
// is made from the contract, proto/pixelflow/v1/image.proto.
package pixelflow

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// Round robin over every address, and which calls may be tried again: the same for clients in every language.
//
//go:embed service-config.json
var serviceConfig string

const chunkBytes = 256 * 1024

// TLS says whom to trust, and who we are: PEM files. Without Cert and Key the token alone says who calls.
type TLS struct{ CA, Cert, Key string }

// Connect makes a connection to every gateway that target names, such as "dns:///pixelflow.example.com:50051": calls
// take turns over those that answer. Without tls it is not encrypted; without token nobody is named.
func Connect(target string, security *TLS, token string) (*grpc.ClientConn, error) {
	transport, err := security.credentials()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// A gateway that is gone is noticed also while nothing but a long watch is under way.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(token)))
	}
	return grpc.NewClient(target, options...)
}

// Client makes the calls of a program. Explain says in words why one has failed.
type Client struct {
	// RPC is every call of the contract.
	RPC pb.ImageServiceClient
}

// New makes a client of a connection.
func New(connection grpc.ClientConnInterface) Client {
	return Client{RPC: pb.NewImageServiceClient(connection)}
}

// Upload stores a file. It is read piece by piece, however large it is.
func (c Client) Upload(ctx context.Context, file io.Reader, mediaType string) (*pb.Image, error) {
	// Nothing is left open when the file cannot be read to its end.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := c.RPC.Upload(ctx)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	size, err := sendFile(call, io.TeeReader(file, digest), mediaType)
	if err == nil {
		commit := &pb.UploadCommit{Bytes: size, Sha256: hex.EncodeToString(digest.Sum(nil))}
		err = call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Commit{Commit: commit}})
	}
	// An end that comes too early is the server's refusal; the answer says why.
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	answer, err := call.CloseAndRecv()
	return answer.GetImage(), err
}

func sendFile(call pb.ImageService_UploadClient, file io.Reader, mediaType string) (int64, error) {
	metadata := &pb.UploadMetadata{MediaType: mediaType}
	if err := call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: metadata}}); err != nil {
		return 0, err
	}
	var size int64
	for {
		// What has been sent must not change any more.
		buffer := make([]byte, chunkBytes)
		n, err := io.ReadFull(file, buffer)
		size += int64(n)
		if n > 0 {
			if err := call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: buffer[:n]}}); err != nil {
				return size, err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return size, nil
		case err != nil:
			return size, fmt.Errorf("the file cannot be read: %w", err)
		}
	}
}

// Result is a finished output and its bytes.
type Result struct {
	Output *pb.Output
	Data   []byte
}

// Process does what the recipe says, telling each event as it happens. A connection that breaks on the way costs
// nothing: the task goes on without us, and we go on where we have been.
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
		answer, err := call.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return results, nil
		case status.Code(err) == codes.Unavailable && last != nil:
			return c.carryOn(ctx, last, onEvent)
		case err != nil:
			return nil, err
		}
		switch piece := answer.GetData().(type) {
		case *pb.ProcessResponse_Event:
			last = piece.Event
			onEvent(last)
		case *pb.ProcessResponse_Output:
			results = append(results, Result{Output: piece.Output})
		case *pb.ProcessResponse_Chunk:
			result := &results[len(results)-1]
			result.Data = append(result.Data, piece.Chunk...)
		}
	}
}

// carryOn is Process from behind the last event seen.
func (c Client) carryOn(ctx context.Context, last *pb.TaskEvent, onEvent func(*pb.TaskEvent)) ([]Result, error) {
	if !Final(last) {
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

// Watch tells the events of a task behind the token after, each once, over as many connections as it takes; it ends
// after the final event. It gives up when no gateway has answered for a minute.
func (c Client) Watch(ctx context.Context, task, after string) iter.Seq2[*pb.TaskEvent, error] {
	return func(yield func(*pb.TaskEvent, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		pause, deadline := firstPause, time.Now().Add(patience)
		for {
			call, err := c.RPC.WatchTask(ctx, &pb.WatchTaskRequest{Id: task, After: after})
			for err == nil {
				var answer *pb.WatchTaskResponse
				if answer, err = call.Recv(); err != nil {
					break
				}
				after = answer.Event.Token
				pause, deadline = firstPause, time.Now().Add(patience)
				if !yield(answer.Event, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if status.Code(err) != codes.Unavailable || time.Now().Add(pause).After(deadline) {
				yield(nil, err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, 5*time.Second)
		}
	}
}

const (
	firstPause = 100 * time.Millisecond
	patience   = time.Minute
)

// DownloadOutput fetches the bytes of a finished output.
func (c Client) DownloadOutput(ctx context.Context, task, name string) ([]byte, error) {
	output := &pb.OutputName{Task: task, Name: name}
	call, err := c.RPC.Download(ctx, &pb.DownloadRequest{Source: &pb.DownloadRequest_Output{Output: output}})
	var data []byte
	for err == nil {
		var answer *pb.DownloadResponse
		if answer, err = call.Recv(); err == nil {
			data = append(data, answer.GetChunk()...)
		}
	}
	if errors.Is(err, io.EOF) {
		return data, nil
	}
	return nil, err
}

// Final tells whether an event is the last one of its task.
func Final(event *pb.TaskEvent) bool {
	switch event.GetKind() {
	case pb.TaskEventKind_TASK_EVENT_KIND_COMPLETED,
		pb.TaskEventKind_TASK_EVENT_KIND_FAILED,
		pb.TaskEventKind_TASK_EVENT_KIND_CANCELLED:
		return true
	default:
		return false
	}
}

type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity lets a token go unencrypted to a server on this machine; use TLS for any other.
func (bearer) RequireTransportSecurity() bool { return false }

func (t *TLS) credentials() (credentials.TransportCredentials, error) {
	if t == nil {
		return insecure.NewCredentials(), nil
	}
	config, err := t.Config()
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(config), nil
}

// Config reads the files.
func (t *TLS) Config() (*tls.Config, error) {
	authority, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", t.CA)
	}
	if t.Cert != "" {
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}
