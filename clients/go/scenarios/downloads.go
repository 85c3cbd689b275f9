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
	{"download-image", func(ctx context.Context, b *bench) {
		about, data, err := b.download(ctx, b.ofImage(ctx))
		check(err == nil && bytes.Equal(data, b.photo), err)
		check(about.Bytes == int64(len(data)) && about.Sha256 == digest(data), about)
		check(about.MediaType == "image/jpeg" && about.FileName == b.image.Id+".jpg", about)
	}},
	{"download-output", func(ctx context.Context, b *bench) {
		for _, output := range b.doneTask(ctx).Outputs {
			about, data, err := b.download(ctx, b.ofOutput(ctx, output.Name))
			check(err == nil && digest(data) == about.Sha256 && about.Sha256 == output.Sha256, about, err)
			check(about.MediaType == output.MediaType, about)
		}
	}},
	{"download-range", func(ctx context.Context, b *bench) {
		about, data, err := b.download(ctx, part(b.ofImage(ctx), 100, 1000))
		check(err == nil && bytes.Equal(data, b.photo[100:1100]), err)
		check(about.Offset == 100 && about.Length == 1000, about)
		check(about.Bytes == int64(len(b.photo)) && about.Sha256 == digest(b.photo), about)
	}},
	{"download-tail", func(ctx context.Context, b *bench) {
		about, data, err := b.download(ctx, part(b.ofImage(ctx), 1000, 1<<40))
		check(err == nil && bytes.Equal(data, b.photo[1000:]), err)
		check(about.Length == int64(len(b.photo)-1000), about)
	}},
	{"download-first", func(ctx context.Context, b *bench) {
		file, image := b.largeImage(ctx)
		for range 8 {
			// gRPC adapts the flow-control window at the start of a connection, so each download opens its own.
			another := call(b.address, b.ann.security, b.ann.token)
			check(bytes.Equal(must(another.DownloadImage(ctx, image.Id)), file))
			another.connection.Close()
		}
	}},
	{"download-resume", func(ctx context.Context, b *bench) {
		file, image := b.largeImage(ctx)
		wire := newRelay(b.address)
		wire.cutAfter = 1_000_000
		defer wire.close()
		far := call(wire.address(), b.ann.security, b.ann.token)
		defer far.connection.Close()
		check(bytes.Equal(must(far.DownloadImage(ctx, image.Id)), file))
		check(wire.connections.Load() == 2, wire.connections.Load())
	}},
	{"download-outside", func(ctx context.Context, b *bench) {
		_, _, err := b.download(ctx, part(b.ofImage(ctx), int64(len(b.photo)), 1))
		refused(err, codes.OutOfRange, "range_not_satisfiable", "offset")
	}},
	{"download-no-output", func(ctx context.Context, b *bench) {
		_, _, err := b.download(ctx, b.ofOutput(ctx, "huge"))
		refused(err, codes.NotFound, "output_not_found", "")
	}},
	{"download-nothing", func(ctx context.Context, b *bench) {
		_, _, err := b.download(ctx, &pb.DownloadRequest{})
		refused(err, codes.InvalidArgument, "invalid_request", "source")
	}},
}

func (b *bench) largeImage(ctx context.Context) ([]byte, *pb.Image) {
	noise := make([]byte, 6*1024*1024)
	_, _ = rand.Read(noise)
	file := slices.Concat(b.photo, noise)
	return file, must(b.ann.upload(ctx, whole(file)...))
}

func (b *bench) ofImage(ctx context.Context) *pb.DownloadRequest {
	return &pb.DownloadRequest{Source: &pb.DownloadRequest_Image{Image: b.someImage(ctx).Id}}
}

func (b *bench) ofOutput(ctx context.Context, name string) *pb.DownloadRequest {
	output := &pb.OutputName{Task: b.doneTask(ctx).Id, Name: name}
	return &pb.DownloadRequest{Source: &pb.DownloadRequest_Output{Output: output}}
}

func part(request *pb.DownloadRequest, offset, length int64) *pb.DownloadRequest {
	request.Offset, request.Length = offset, &length
	return request
}

// download returns the description of a file and its bytes.
func (b *bench) download(ctx context.Context, request *pb.DownloadRequest) (*pb.Content, []byte, error) {
	call, err := b.ann.RPC.Download(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	first, err := call.Recv()
	if err != nil {
		return nil, nil, err
	}
	about := first.GetContent()
	check(about != nil, first)
	var data []byte
	for {
		answer, err := call.Recv()
		if errors.Is(err, io.EOF) {
			check(int64(len(data)) == about.Length, about, len(data))
			return about, data, nil
		}
		if err != nil {
			return nil, nil, err
		}
		check(answer.GetChunk() != nil, answer)
		data = append(data, answer.GetChunk()...)
	}
}
