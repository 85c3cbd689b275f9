package pixelflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// DownloadOutput downloads a finished output.
func (c Client) DownloadOutput(ctx context.Context, task, name string) ([]byte, error) {
	output := &pb.OutputName{Task: task, Name: name}
	return c.Download(ctx, &pb.DownloadRequest{Source: &pb.DownloadRequest_Output{Output: output}})
}

// DownloadImage downloads an uploaded image.
func (c Client) DownloadImage(ctx context.Context, id string) ([]byte, error) {
	return c.Download(ctx, &pb.DownloadRequest{Source: &pb.DownloadRequest_Image{Image: id}})
}

// Download downloads a stored file and verifies its digest. It resumes a broken connection.
func (c Client) Download(ctx context.Context, source *pb.DownloadRequest) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	retry := newRetry()
	var data []byte
	var about *pb.Content
	for {
		request := &pb.DownloadRequest{Source: source.Source, Offset: int64(len(data))}
		call, err := c.RPC.Download(ctx, request)
		for err == nil {
			var answer *pb.DownloadResponse
			if answer, err = call.Recv(); err != nil {
				break
			}
			if first := answer.GetContent(); first != nil {
				about = first
			}
			data = append(data, answer.GetChunk()...)
			retry = newRetry()
		}
		if errors.Is(err, io.EOF) || (about != nil && about.Bytes == int64(len(data))) {
			break
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, err
		}
	}
	if digest := sha256.Sum256(data); hex.EncodeToString(digest[:]) != about.GetSha256() {
		return nil, errors.New("what was downloaded is not what is stored")
	}
	return data, nil
}
