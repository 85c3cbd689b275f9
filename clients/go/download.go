package pixelflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// ErrDamaged is the error of a download whose bytes do not match the SHA-256 of the stored file.
var ErrDamaged = errors.New("the downloaded bytes do not match the SHA-256 of the stored file; download the file again")

// DownloadOutput downloads a finished output.
func (c Client) DownloadOutput(ctx context.Context, task, name string) ([]byte, error) {
	output := &pb.OutputName{Task: task, Name: name}
	return c.Download(ctx, &pb.DownloadRequest{Source: &pb.DownloadRequest_Output{Output: output}})
}

// DownloadImage downloads an uploaded image.
func (c Client) DownloadImage(ctx context.Context, id string) ([]byte, error) {
	return c.Download(ctx, &pb.DownloadRequest{Source: &pb.DownloadRequest_Image{Image: id}})
}

// Download downloads a stored file and verifies its digest. It resumes a broken connection. The error wraps ErrDamaged if
// the file is truncated or damaged.
func (c Client) Download(ctx context.Context, source *pb.DownloadRequest) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	retry := newBackoff()
	var data []byte
	var content *pb.Content
	for {
		request := &pb.DownloadRequest{Source: source.Source, Offset: int64(len(data))}
		call, err := c.RPC.Download(ctx, request)
		for err == nil {
			var response *pb.DownloadResponse
			if response, err = call.Recv(); err != nil {
				break
			}
			if first := response.GetContent(); first != nil {
				content = first
			}
			data = append(data, response.GetChunk()...)
			retry = newBackoff()
		}
		if errors.Is(err, io.EOF) || (content != nil && content.Bytes == int64(len(data))) {
			break
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, err
		}
	}
	if digest := sha256.Sum256(data); hex.EncodeToString(digest[:]) != content.GetSha256() {
		return nil, fmt.Errorf("got %d of %d bytes: %w", len(data), content.GetBytes(), ErrDamaged)
	}
	return data, nil
}
