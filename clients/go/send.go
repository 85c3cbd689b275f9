package pixelflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/types/known/structpb"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

const chunkBytes = 256 * 1024

// AnyType is the media type of an unknown file. The server detects the format from the bytes.
const AnyType = "application/octet-stream"

// Upload uploads a file in chunks.
func (c Client) Upload(ctx context.Context, file io.Reader, mediaType string) (*pb.Image, error) {
	// Closes the stream if reading the file fails.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := c.RPC.Upload(ctx)
	if err != nil {
		return nil, err
	}
	metadata := &pb.UploadMetadata{MediaType: mediaType}
	err = call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Metadata{Metadata: metadata}})
	if err == nil {
		err = sendFile(file, func(chunk []byte) error {
			return call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: chunk}})
		}, func(commit *pb.UploadCommit) error {
			return call.Send(&pb.UploadRequest{Data: &pb.UploadRequest_Commit{Commit: commit}})
		})
	}
	// Send returns io.EOF if the server has rejected the upload; CloseAndRecv returns the reason.
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	response, err := call.CloseAndRecv()
	return response.GetImage(), err
}

// ProcessedImage is a processed image and its bytes.
type ProcessedImage struct {
	*pb.ProcessedImage
	Data []byte
}

// ProcessImage processes a file in one call and returns the result. The server does not store a small file. Output names
// the output to return; it may be empty if the recipe has one output.
func (c Client) ProcessImage(
	ctx context.Context, file io.Reader, recipe *structpb.Value, output string,
) (ProcessedImage, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := c.RPC.ProcessImage(ctx)
	if err != nil {
		return ProcessedImage{}, err
	}
	metadata := &pb.ProcessImageMetadata{MediaType: AnyType, Recipe: recipe, Output: output}
	err = call.Send(&pb.ProcessImageRequest{Data: &pb.ProcessImageRequest_Metadata{Metadata: metadata}})
	if err == nil {
		err = sendFile(file, func(chunk []byte) error {
			return call.Send(&pb.ProcessImageRequest{Data: &pb.ProcessImageRequest_Chunk{Chunk: chunk}})
		}, func(commit *pb.UploadCommit) error {
			return call.Send(&pb.ProcessImageRequest{Data: &pb.ProcessImageRequest_Commit{Commit: commit}})
		})
	}
	if err == nil {
		err = call.CloseSend()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return ProcessedImage{}, err
	}
	var image ProcessedImage
	for {
		response, err := call.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return image, nil
		case err != nil:
			return ProcessedImage{}, err
		case response.GetResult() != nil:
			image.ProcessedImage = response.GetResult()
		default:
			image.Data = append(image.Data, response.GetChunk()...)
		}
	}
}

// sendFile sends a file in chunks, followed by the commit.
func sendFile(file io.Reader, chunk func([]byte) error, commit func(*pb.UploadCommit) error) error {
	digest := sha256.New()
	var size int64
	for {
		// gRPC may still read a buffer after Send returns, so each chunk has its own.
		buffer := make([]byte, chunkBytes)
		n, err := io.ReadFull(file, buffer)
		if n > 0 {
			size += int64(n)
			digest.Write(buffer[:n])
			if err := chunk(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return commit(&pb.UploadCommit{Bytes: size, Sha256: hex.EncodeToString(digest.Sum(nil))})
		case err != nil:
			return fmt.Errorf("cannot read the file to upload: %w", err)
		}
	}
}
