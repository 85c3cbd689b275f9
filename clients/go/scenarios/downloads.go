package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc/codes"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

var downloadScenarios = []scenario{
	{"download-image", func(ctx context.Context, f *fixture) {
		content, data, err := f.download(ctx, f.imageRequest(ctx))
		check(err == nil && bytes.Equal(data, f.photo), err)
		check(content.Bytes == int64(len(data)) && content.Sha256 == digest(data), content)
		check(content.MediaType == "image/jpeg" && content.FileName == f.image.Id+".jpg", content)
	}},
	{"download-output", func(ctx context.Context, f *fixture) {
		for _, output := range f.doneTask(ctx).Outputs {
			content, data, err := f.download(ctx, f.outputRequest(ctx, output.Name))
			check(err == nil && digest(data) == content.Sha256 && content.Sha256 == output.Sha256, content, err)
			check(content.MediaType == output.MediaType, content)
		}
	}},
	{"download-range", func(ctx context.Context, f *fixture) {
		content, data, err := f.download(ctx, withRange(f.imageRequest(ctx), 100, 1000))
		check(err == nil && bytes.Equal(data, f.photo[100:1100]), err)
		check(content.Offset == 100 && content.Length == 1000, content)
		check(content.Bytes == int64(len(f.photo)) && content.Sha256 == digest(f.photo), content)
	}},
	{"download-tail", func(ctx context.Context, f *fixture) {
		content, data, err := f.download(ctx, withRange(f.imageRequest(ctx), 1000, 1<<40))
		check(err == nil && bytes.Equal(data, f.photo[1000:]), err)
		check(content.Length == int64(len(f.photo)-1000), content)
	}},
	{"download-first", func(ctx context.Context, f *fixture) {
		file, image := f.largeImage(ctx)
		for range 8 {
			// gRPC adapts the flow-control window at the start of a connection, so each download opens its own.
			caller := newCaller(f.address, f.ann.security, f.ann.token)
			check(bytes.Equal(must(caller.DownloadImage(ctx, image.Id)), file))
			caller.connection.Close()
		}
	}},
	{"download-resume", func(ctx context.Context, f *fixture) {
		file, image := f.largeImage(ctx)
		proxy := newRelay(f.address)
		proxy.cutAfter = 1_000_000
		defer proxy.close()
		throughProxy := newCaller(proxy.address(), f.ann.security, f.ann.token)
		defer throughProxy.connection.Close()
		check(bytes.Equal(must(throughProxy.DownloadImage(ctx, image.Id)), file))
		check(proxy.connections.Load() == 2, proxy.connections.Load())
	}},
	{"download-out-of-range", func(ctx context.Context, f *fixture) {
		_, _, err := f.download(ctx, withRange(f.imageRequest(ctx), int64(len(f.photo)), 1))
		expectRefused(err, codes.OutOfRange, "RANGE_NOT_SATISFIABLE", "offset")
	}},
	{"download-no-output", func(ctx context.Context, f *fixture) {
		_, _, err := f.download(ctx, f.outputRequest(ctx, "huge"))
		expectRefused(err, codes.NotFound, "OUTPUT_NOT_FOUND", "")
	}},
	{"download-no-source", func(ctx context.Context, f *fixture) {
		_, _, err := f.download(ctx, &pb.DownloadRequest{})
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "source")
	}},
}

func (f *fixture) largeImage(ctx context.Context) ([]byte, *pb.Image) {
	noise := make([]byte, 6*1024*1024)
	_, _ = rand.Read(noise)
	file := slices.Concat(f.photo, noise)
	return file, must(f.ann.upload(ctx, validUpload(file)...))
}

func (f *fixture) imageRequest(ctx context.Context) *pb.DownloadRequest {
	return &pb.DownloadRequest{Source: &pb.DownloadRequest_Image{Image: f.someImage(ctx).Id}}
}

func (f *fixture) outputRequest(ctx context.Context, name string) *pb.DownloadRequest {
	output := &pb.OutputName{Task: f.doneTask(ctx).Id, Name: name}
	return &pb.DownloadRequest{Source: &pb.DownloadRequest_Output{Output: output}}
}

func withRange(request *pb.DownloadRequest, offset, length int64) *pb.DownloadRequest {
	request.Offset, request.Length = offset, &length
	return request
}

// download calls Download, and returns the description of the file and its bytes.
func (f *fixture) download(ctx context.Context, request *pb.DownloadRequest) (*pb.Content, []byte, error) {
	call, err := f.ann.RPC.Download(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	first, err := call.Recv()
	if err != nil {
		return nil, nil, err
	}
	content := first.GetContent()
	check(content != nil, first)
	var data []byte
	for {
		response, err := call.Recv()
		if errors.Is(err, io.EOF) {
			check(int64(len(data)) == content.Length, content, len(data))
			return content, data, nil
		}
		if err != nil {
			return nil, nil, err
		}
		check(response.GetChunk() != nil, response)
		data = append(data, response.GetChunk()...)
	}
}
