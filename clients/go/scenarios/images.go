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
	{"version", func(ctx context.Context, f *fixture) {
		response := must(f.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{}))
		check(response.Version != "" && response.MaxUploadBytes > 0 && response.MaxPixels > 0, response)
		check(slices.Contains(response.Formats, "jpeg"), response.Formats)
		expected := pb.Auth_AUTH_TOKEN
		if f.usesTLS() {
			expected = pb.Auth_AUTH_CERTIFICATE
		}
		check(response.Auth == expected, response.Auth)
	}},
	{"operations", func(ctx context.Context, f *fixture) {
		response := must(f.ann.RPC.ListOperations(ctx, &pb.ListOperationsRequest{}))
		var names []string
		for _, operation := range response.Operations {
			names = append(names, operation.Name)
			check(operation.Schema.Fields["type"].GetStringValue() == "object", operation)
			check(operation.Text.Usage != "" && len(operation.Examples) > 0 && operation.Examples[0].Text != "", operation)
		}
		for _, name := range []string{"resize", "blur", "format"} {
			check(slices.Contains(names, name), names)
		}
		check(response.Recipe.Fields["properties"].GetStructValue().GetFields()["steps"] != nil, response.Recipe)
	}},
	{"request-id", func(ctx context.Context, f *fixture) {
		requestID := unusedID()
		ctx = grpcmetadata.AppendToOutgoingContext(ctx, "x-request-id", requestID)
		var header, trailer grpcmetadata.MD
		must(f.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{}, grpc.Header(&header)))
		check(slices.Equal(header.Get("x-request-id"), []string{requestID}), header)
		_, err := f.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: unusedID()}, grpc.Trailer(&trailer))
		details := expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
		check(details.Request.RequestId == requestID, details.Request)
		check(slices.Equal(trailer.Get("x-request-id"), []string{requestID}), trailer)
	}},
	{"upload", func(ctx context.Context, f *fixture) {
		requests := validUpload(f.photo)
		requests[0] = metadataWithSize("image/jpeg", int64(len(f.photo)))
		image := must(f.ann.upload(ctx, requests...))
		check(image.Id != "" && image.Sha256 == digest(f.photo) && image.Bytes == int64(len(f.photo)), image)
		check(image.Format == "jpeg" && image.GetWidth() == 640 && image.GetHeight() == 480, image)
		check(image.CreatedAt.IsValid(), image)
	}},
	{"upload-truncated", func(ctx context.Context, f *fixture) {
		requests := validUpload(f.photo)
		_, err := f.ann.upload(ctx, requests[:len(requests)-1]...)
		expectRefused(err, codes.DataLoss, "TRUNCATED_UPLOAD", "")
	}},
	{"upload-short", func(ctx context.Context, f *fixture) {
		expectRefused(f.uploadWithCommit(ctx, len(f.photo)+1, digest(f.photo)), codes.DataLoss, "TRUNCATED_UPLOAD", "")
	}},
	{"upload-long", func(ctx context.Context, f *fixture) {
		err := f.uploadWithCommit(ctx, len(f.photo)-1, digest(f.photo))
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "commit.bytes")
	}},
	{"upload-wrong-digest", func(ctx context.Context, f *fixture) {
		err := f.uploadWithCommit(ctx, len(f.photo), digest([]byte("something else")))
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "commit.sha256")
	}},
	{"upload-without-metadata", func(ctx context.Context, f *fixture) {
		_, err := f.ann.upload(ctx, validUpload(f.photo)[1:]...)
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "metadata")
	}},
	{"upload-media-type", func(ctx context.Context, f *fixture) {
		requests := validUpload(f.photo)
		requests[0] = metadata("text/plain")
		_, err := f.ann.upload(ctx, requests...)
		expectRefused(err, codes.InvalidArgument, "UNSUPPORTED_FORMAT", "metadata.media_type")
	}},
	{"upload-not-an-image", func(ctx context.Context, f *fixture) {
		_, err := f.ann.upload(ctx, validUpload(bytes.Repeat([]byte("This is text, not an image. "), 10_000))...)
		expectRefused(err, codes.InvalidArgument, "UNSUPPORTED_FORMAT", "")
	}},
	{"upload-size-too-large", func(ctx context.Context, f *fixture) {
		_, err := f.ann.upload(ctx, metadataWithSize("image/jpeg", f.maxUploadBytes(ctx)+1))
		expectRefused(err, codes.ResourceExhausted, "IMAGE_TOO_LARGE", "")
	}},
	{"upload-too-large", func(ctx context.Context, f *fixture) {
		large := slices.Concat(f.photo, make([]byte, f.maxUploadBytes(ctx)))
		_, err := f.ann.upload(ctx, validUpload(large)...)
		expectRefused(err, codes.ResourceExhausted, "IMAGE_TOO_LARGE", "")
	}},
	{"upload-cancelled", func(ctx context.Context, f *fixture) {
		callCtx, cancel := context.WithCancel(ctx)
		call := must(f.ann.RPC.Upload(callCtx))
		requests := validUpload(f.photo)
		for _, request := range requests[:len(requests)-1] {
			check(call.Send(request) == nil)
		}
		cancel()
		_, err := call.CloseAndRecv()
		expectRefused(err, codes.Canceled, "", "")
		check(must(f.ann.upload(ctx, requests...)).Bytes == int64(len(f.photo)))
	}},
	{"message-too-large", func(ctx context.Context, f *fixture) {
		chunk := &pb.UploadRequest{Data: &pb.UploadRequest_Chunk{Chunk: make([]byte, 5*1024*1024)}}
		_, err := f.ann.upload(ctx, metadata("image/jpeg"), chunk)
		expectRefused(err, codes.ResourceExhausted, "", "")
	}},
	{"get-image", func(ctx context.Context, f *fixture) {
		response := must(f.ann.RPC.GetImage(ctx, &pb.GetImageRequest{Id: f.someImage(ctx).Id}))
		check(proto.Equal(response.Image, f.image), response)
	}},
	{"delete-image", func(ctx context.Context, f *fixture) {
		image := must(f.ann.upload(ctx, validUpload(f.photo)...))
		must(f.ann.RPC.DeleteImage(ctx, &pb.DeleteImageRequest{Id: image.Id}))
		_, err := f.ann.RPC.GetImage(ctx, &pb.GetImageRequest{Id: image.Id})
		expectRefused(err, codes.NotFound, "IMAGE_NOT_FOUND", "")
	}},
}

// uploadWithCommit uploads the photo with this size and digest in the commit, and returns the error.
func (f *fixture) uploadWithCommit(ctx context.Context, size int, sha256 string) error {
	requests := validUpload(f.photo)
	requests[len(requests)-1] = commit(size, sha256)
	_, err := f.ann.upload(ctx, requests...)
	return err
}

func (f *fixture) maxUploadBytes(ctx context.Context) int64 {
	return must(f.publicCaller.RPC.GetVersion(ctx, &pb.GetVersionRequest{})).MaxUploadBytes
}
