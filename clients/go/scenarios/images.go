package main

import (
	"bytes"
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "pixelflow/clients/go/gen/pixelflowv1"
)

var imageScenarios = []scenario{
	{"version", func(ctx context.Context, b *bench) {
		answer := must(b.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{}))
		check(answer.Version != "" && answer.MaxUploadBytes > 0 && answer.MaxPixels > 0, answer)
		check(slices.Contains(answer.Formats, "jpeg"), answer.Formats)
		expected := pb.Auth_AUTH_TOKEN
		if b.encrypted() {
			expected = pb.Auth_AUTH_CERTIFICATE
		}
		check(answer.Auth == expected, answer.Auth)
	}},
	{"operations", func(ctx context.Context, b *bench) {
		answer := must(b.ann.RPC.ListOperations(ctx, &pb.ListOperationsRequest{}))
		var names []string
		for _, one := range answer.Operations {
			names = append(names, one.Name)
			check(one.Schema.Fields["type"].GetStringValue() == "object", one)
			check(one.Text.Usage != "" && len(one.Examples) > 0 && one.Examples[0].Text != "", one)
		}
		for _, name := range []string{"resize", "blur", "format"} {
			check(slices.Contains(names, name), names)
		}
		check(answer.Recipe.Fields["properties"].GetStructValue().GetFields()["steps"] != nil, answer.Recipe)
	}},
	{"request-id", func(ctx context.Context, b *bench) {
		mine := unusedID()
		ctx = grpcmetadata.AppendToOutgoingContext(ctx, "x-request-id", mine)
		var header, trailer grpcmetadata.MD
		must(b.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{}, grpc.Header(&header)))
		check(slices.Equal(header.Get("x-request-id"), []string{mine}), header)
		_, err := b.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: unusedID()}, grpc.Trailer(&trailer))
		details := refused(err, codes.NotFound, "task_not_found", "")
		check(details.Request.RequestId == mine, details.Request)
		check(slices.Equal(trailer.Get("x-request-id"), []string{mine}), trailer)
	}},
	{"upload", func(ctx context.Context, b *bench) {
		pieces := whole(b.photo)
		pieces[0] = metadataOf("image/jpeg", int64(len(b.photo)))
		image := must(b.ann.upload(ctx, pieces...))
		check(image.Id != "" && image.Sha256 == digest(b.photo) && image.Bytes == int64(len(b.photo)), image)
		check(image.Format == "jpeg" && image.GetWidth() == 640 && image.GetHeight() == 480, image)
		check(image.CreatedAt.IsValid(), image)
	}},
	{"upload-truncated", func(ctx context.Context, b *bench) {
		pieces := whole(b.photo)
		_, err := b.ann.upload(ctx, pieces[:len(pieces)-1]...)
		refused(err, codes.DataLoss, "truncated_upload", "")
	}},
	{"upload-short", func(ctx context.Context, b *bench) {
		refused(b.committed(ctx, len(b.photo)+1, digest(b.photo)), codes.DataLoss, "truncated_upload", "")
	}},
	{"upload-long", func(ctx context.Context, b *bench) {
		err := b.committed(ctx, len(b.photo)-1, digest(b.photo))
		refused(err, codes.InvalidArgument, "invalid_request", "commit.bytes")
	}},
	{"upload-wrong-digest", func(ctx context.Context, b *bench) {
		err := b.committed(ctx, len(b.photo), digest([]byte("something else")))
		refused(err, codes.InvalidArgument, "invalid_request", "commit.sha256")
	}},
	{"upload-without-metadata", func(ctx context.Context, b *bench) {
		_, err := b.ann.upload(ctx, whole(b.photo)[1:]...)
		refused(err, codes.InvalidArgument, "invalid_request", "metadata")
	}},
	{"upload-media-type", func(ctx context.Context, b *bench) {
		pieces := whole(b.photo)
		pieces[0] = metadata("text/plain")
		_, err := b.ann.upload(ctx, pieces...)
		refused(err, codes.InvalidArgument, "unsupported_format", "metadata.media_type")
	}},
	{"upload-no-image", func(ctx context.Context, b *bench) {
		_, err := b.ann.upload(ctx, whole(bytes.Repeat([]byte("This is a letter. "), 10_000))...)
		refused(err, codes.InvalidArgument, "unsupported_format", "")
	}},
	{"upload-too-large-said", func(ctx context.Context, b *bench) {
		_, err := b.ann.upload(ctx, metadataOf("image/jpeg", b.limit(ctx)+1))
		refused(err, codes.ResourceExhausted, "image_too_large", "")
	}},
	{"upload-too-large-found", func(ctx context.Context, b *bench) {
		large := slices.Concat(b.photo, make([]byte, b.limit(ctx)))
		_, err := b.ann.upload(ctx, whole(large)...)
		refused(err, codes.ResourceExhausted, "image_too_large", "")
	}},
	{"upload-given-up", func(ctx context.Context, b *bench) {
		short, cancel := context.WithCancel(ctx)
		call := must(b.ann.RPC.Upload(short))
		pieces := whole(b.photo)
		for _, piece := range pieces[:len(pieces)-1] {
			check(call.Send(piece) == nil)
		}
		cancel()
		_, err := call.CloseAndRecv()
		refused(err, codes.Canceled, "", "")
		check(must(b.ann.upload(ctx, pieces...)).Bytes == int64(len(b.photo)))
	}},
	{"message-too-large", func(ctx context.Context, b *bench) {
		chunk := &pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: make([]byte, 5*1024*1024)}}
		_, err := b.ann.upload(ctx, metadata("image/jpeg"), chunk)
		refused(err, codes.ResourceExhausted, "", "")
	}},
	{"get-image", func(ctx context.Context, b *bench) {
		answer := must(b.ann.RPC.GetImage(ctx, &pb.GetImageRequest{Id: b.someImage(ctx).Id}))
		check(proto.Equal(answer.Image, b.image), answer)
	}},
	{"delete-image", func(ctx context.Context, b *bench) {
		image := must(b.ann.upload(ctx, whole(b.photo)...))
		must(b.ann.RPC.DeleteImage(ctx, &pb.DeleteImageRequest{Id: image.Id}))
		_, err := b.ann.RPC.GetImage(ctx, &pb.GetImageRequest{Id: image.Id})
		refused(err, codes.NotFound, "image_not_found", "")
	}},
}

// committed uploads the photo with the given size and digest in the commit.
func (b *bench) committed(ctx context.Context, size int, sha256 string) error {
	pieces := whole(b.photo)
	pieces[len(pieces)-1] = commit(size, sha256)
	_, err := b.ann.upload(ctx, pieces...)
	return err
}

func (b *bench) limit(ctx context.Context) int64 {
	return must(b.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{})).MaxUploadBytes
}
