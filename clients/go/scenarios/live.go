package main

import (
	"bytes"
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

var liveScenarios = []scenario{
	{"process-image", func(ctx context.Context, f *fixture) {
		file := slices.Concat(f.photo, make([]byte, 800_000))
		image := must(f.ann.ProcessImage(ctx, bytes.NewReader(file), text("resize:200/format:webp"), ""))
		check(image.Format == "webp" && image.MediaType == "image/webp", image.ProcessedImage)
		check(image.Width == 200 && image.Height == 150 && image.Task == "", image.ProcessedImage)
		check(image.Sha256 == digest(image.Data) && image.Bytes == int64(len(image.Data)), image.ProcessedImage)
	}},
	{"process-image-large", func(ctx context.Context, f *fixture) {
		large := slices.Concat(f.photo, make([]byte, 2*1024*1024))
		image := must(f.ann.ProcessImage(ctx, bytes.NewReader(large), text("resize:200"), ""))
		task := must(f.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: image.Task})).Task
		check(task.Status == pb.TaskStatus_TASK_STATUS_COMPLETED && task.Outputs[0].Sha256 == image.Sha256, task)
		check(digest(image.Data) == image.Sha256, image.ProcessedImage)
	}},
	{"process-image-output", func(ctx context.Context, f *fixture) {
		image := must(f.ann.ProcessImage(ctx, bytes.NewReader(f.photo), twoOutputs(), "small"))
		check(image.Width == 64 && image.Format == "webp", image.ProcessedImage)
		_, err := f.ann.ProcessImage(ctx, bytes.NewReader(f.photo), twoOutputs(), "")
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "output")
	}},
	{"process-image-refused", func(ctx context.Context, f *fixture) {
		expectRefused(f.sendImage(ctx, f.photo, nil), codes.DataLoss, "TRUNCATED_UPLOAD", "")
		wrongCommit := &pb.UploadCommit{Bytes: int64(len(f.photo)), Sha256: digest([]byte("something else"))}
		expectRefused(f.sendImage(ctx, f.photo, wrongCommit), codes.InvalidArgument, "INVALID_REQUEST", "commit.sha256")
		_, err := f.ann.ProcessImage(ctx, bytes.NewReader(f.photo), text("blur:9999"), "")
		expectRefused(err, codes.InvalidArgument, "INVALID_RECIPE", "steps[0].sigma")
		_, err = f.ann.ProcessImage(ctx, bytes.NewReader(f.photo[:2000]), shortRecipe, "")
		expectRefused(err, codes.InvalidArgument, "CORRUPT_IMAGE", "")
		wrongToken := newCaller(f.address, f.ann.security, "unknown-token")
		defer wrongToken.connection.Close()
		_, err = wrongToken.ProcessImage(ctx, bytes.NewReader(f.photo), shortRecipe, "")
		expectRefused(err, codes.Unauthenticated, "UNAUTHENTICATED", "")
	}},
	{"process-image-unary", func(ctx context.Context, f *fixture) {
		request := &pb.ProcessImageUnaryRequest{Image: f.photo, Recipe: text("resize:200/format:webp")}
		response := must(f.ann.RPC.ProcessImageUnary(ctx, request))
		result := response.Result
		check(result.Width == 200 && result.Format == "webp" && result.Task == "", result)
		check(digest(response.Image) == result.Sha256, result)
		request.Image = f.photo[:2000]
		_, err := f.ann.RPC.ProcessImageUnary(ctx, request)
		expectRefused(err, codes.InvalidArgument, "CORRUPT_IMAGE", "")
	}},
	{"tune", func(ctx context.Context, f *fixture) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		tuning := must(f.ann.Tune(ctx, f.someImage(ctx).Id, text("resize:320/blur:2")))
		source := must(tuning.Next()).GetOpened().GetSource()
		check(source.GetWidth() == 640 && source.GetHeight() == 480, source)
		first := must(tuning.Next())
		preview := first.GetPreview()
		check(preview.GetSequence() == 0 && preview.GetWidth() == 320 && preview.GetHeight() == 240, preview)
		check(bytes.HasPrefix(first.Data, []byte("\xff\xd8\xff")), first.Data[:20])

		invalid := must(tuning.Set(map[string]any{"steps[1].sigma": -4}))
		refusal := nextOf(tuning, (*pb.TuneResponse).GetRefused)
		check(refusal.GetSequence() == invalid && refusal.Fault.Code == "invalid_recipe", refusal)
		check(refusal.Fault.Field == "steps[1].sigma", refusal)

		valid := must(tuning.Set(map[string]any{"steps[0].width": 90}))
		for preview = nil; preview.GetSequence() != valid; {
			preview = nextOf(tuning, (*pb.TuneResponse).GetPreview)
		}
		check(preview.Width == 90 && preview.Height == 68, preview)
		check(tuning.Apply() == nil)
		applied := nextOf(tuning, (*pb.TuneResponse).GetApplied)
		last := must(tuning.Replace(text("resize:50")))
		check(tuning.Finish() == nil)
		sequences := previewSequences(mustAll(readAll(tuning.Next)))
		check(sequences[len(sequences)-1] == last, sequences)
		outputs := f.finish(ctx, applied.Task).Outputs
		check(len(outputs) == 1 && outputs[0].Width == 90 && outputs[0].Height == 68, outputs)
	}},
	{"tune-newest", func(ctx context.Context, f *fixture) {
		tuning := must(f.ann.Tune(ctx, f.someImage(ctx).Id, text("blur:2")))
		for i := range 300 {
			must(tuning.Set(map[string]any{"steps[0].sigma": 1 + float64(i)/10}))
		}
		check(tuning.Finish() == nil)
		sequences := previewSequences(mustAll(readAll(tuning.Next)))
		check(sequences[len(sequences)-1] == 300 && len(sequences) < 150, sequences)
		check(slices.IsSorted(sequences), sequences)
	}},
	{"tune-refused", func(ctx context.Context, f *fixture) {
		_, err := must(f.ann.Tune(ctx, unusedID(), text("blur:2"))).Next()
		expectRefused(err, codes.NotFound, "IMAGE_NOT_FOUND", "")
		_, err = must(f.ann.Tune(ctx, f.someImage(ctx).Id, text("blurr:2"))).Next()
		expectRefused(err, codes.InvalidArgument, "INVALID_RECIPE", "")
	}},
}

// sendImage calls ProcessImage with the given commit, or without one if it is nil, and returns the error.
func (f *fixture) sendImage(ctx context.Context, data []byte, commit *pb.UploadCommit) error {
	call := must(f.ann.RPC.ProcessImage(ctx))
	metadata := &pb.ProcessImageMetadata{MediaType: "image/jpeg", Recipe: shortRecipe}
	requests := []*pb.ProcessImageRequest{{Data: &pb.ProcessImageRequest_Metadata{Metadata: metadata}}}
	for part := range slices.Chunk(data, 64*1024) {
		requests = append(requests, &pb.ProcessImageRequest{Data: &pb.ProcessImageRequest_Chunk{Chunk: part}})
	}
	if commit != nil {
		requests = append(requests, &pb.ProcessImageRequest{Data: &pb.ProcessImageRequest_Commit{Commit: commit}})
	}
	for _, request := range requests {
		check(call.Send(request) == nil)
	}
	check(call.CloseSend() == nil)
	_, err := readAll(call.Recv)
	return err
}

// nextOf skips messages until one of the requested type arrives. The deadline of the scenario bounds the wait.
func nextOf[T any](tuning *pixelflow.Tuning, get func(*pb.TuneResponse) *T) *T {
	for {
		if message := get(must(tuning.Next()).TuneResponse); message != nil {
			return message
		}
	}
}

// previewSequences returns the number of the change that each preview shows.
func previewSequences(messages []pixelflow.TuneMessage) []int64 {
	var sequences []int64
	for _, message := range messages {
		if preview := message.GetPreview(); preview != nil {
			sequences = append(sequences, preview.Sequence)
		}
	}
	return sequences
}
