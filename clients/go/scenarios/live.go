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
	{"process-image", func(ctx context.Context, b *bench) {
		file := slices.Concat(b.photo, make([]byte, 800_000))
		picture := must(b.ann.ProcessImage(ctx, bytes.NewReader(file), text("resize:200/format:webp"), ""))
		check(picture.Format == "webp" && picture.MediaType == "image/webp", picture.ProcessedImage)
		check(picture.Width == 200 && picture.Height == 150 && picture.Task == "", picture.ProcessedImage)
		check(picture.Sha256 == digest(picture.Data) && picture.Bytes == int64(len(picture.Data)), picture.ProcessedImage)
	}},
	{"process-image-large", func(ctx context.Context, b *bench) {
		large := slices.Concat(b.photo, make([]byte, 2*1024*1024))
		picture := must(b.ann.ProcessImage(ctx, bytes.NewReader(large), text("resize:200"), ""))
		task := must(b.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: picture.Task})).Task
		check(task.Status == pb.TaskStatus_TASK_STATUS_COMPLETED && task.Outputs[0].Sha256 == picture.Sha256, task)
		check(digest(picture.Data) == picture.Sha256, picture.ProcessedImage)
	}},
	{"process-image-output", func(ctx context.Context, b *bench) {
		picture := must(b.ann.ProcessImage(ctx, bytes.NewReader(b.photo), twoOutputs(), "small"))
		check(picture.Width == 64 && picture.Format == "webp", picture.ProcessedImage)
		_, err := b.ann.ProcessImage(ctx, bytes.NewReader(b.photo), twoOutputs(), "")
		refused(err, codes.InvalidArgument, "invalid_request", "output")
	}},
	{"process-image-refused", func(ctx context.Context, b *bench) {
		refused(b.sendPicture(ctx, b.photo, nil), codes.DataLoss, "truncated_upload", "")
		wrong := &pb.UploadCommit{Bytes: int64(len(b.photo)), Sha256: digest([]byte("something else"))}
		refused(b.sendPicture(ctx, b.photo, wrong), codes.InvalidArgument, "invalid_request", "commit.sha256")
		_, err := b.ann.ProcessImage(ctx, bytes.NewReader(b.photo), text("blur:9999"), "")
		refused(err, codes.InvalidArgument, "invalid_recipe", "steps[0].sigma")
		_, err = b.ann.ProcessImage(ctx, bytes.NewReader(b.photo[:2000]), tiny, "")
		refused(err, codes.InvalidArgument, "corrupt_image", "")
		liar := call(b.address, b.ann.security, "unknown-token")
		defer liar.connection.Close()
		_, err = liar.ProcessImage(ctx, bytes.NewReader(b.photo), tiny, "")
		refused(err, codes.Unauthenticated, "unauthenticated", "")
	}},
	{"process-image-unary", func(ctx context.Context, b *bench) {
		request := &pb.ProcessImageUnaryRequest{Image: b.photo, Recipe: text("resize:200/format:webp")}
		answer := must(b.ann.RPC.ProcessImageUnary(ctx, request))
		about := answer.Result
		check(about.Width == 200 && about.Format == "webp" && about.Task == "", about)
		check(digest(answer.Image) == about.Sha256, about)
		request.Image = b.photo[:2000]
		_, err := b.ann.RPC.ProcessImageUnary(ctx, request)
		refused(err, codes.InvalidArgument, "corrupt_image", "")
	}},
	{"tune", func(ctx context.Context, b *bench) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		tuning := must(b.ann.Tune(ctx, b.someImage(ctx).Id, text("resize:320/blur:2")))
		source := must(tuning.Next()).GetOpened().GetSource()
		check(source.GetWidth() == 640 && source.GetHeight() == 480, source)
		first := must(tuning.Next())
		shown := first.GetPreview()
		check(shown.GetSequence() == 0 && shown.GetWidth() == 320 && shown.GetHeight() == 240, shown)
		check(bytes.HasPrefix(first.Data, []byte("\xff\xd8\xff")), first.Data[:20])

		bad := must(tuning.Set(map[string]any{"steps[1].sigma": -4}))
		refusal := hear(tuning, (*pb.TuneResponse).GetRefused)
		check(refusal.GetSequence() == bad && refusal.Fault.Code == "invalid_recipe", refusal)
		check(refusal.Fault.Field == "steps[1].sigma", refusal)

		good := must(tuning.Set(map[string]any{"steps[0].width": 90}))
		for shown = nil; shown.GetSequence() != good; {
			shown = hear(tuning, (*pb.TuneResponse).GetPreview)
		}
		check(shown.Width == 90 && shown.Height == 68, shown)
		check(tuning.Apply() == nil)
		applied := hear(tuning, (*pb.TuneResponse).GetApplied)
		last := must(tuning.Replace(text("resize:50")))
		check(tuning.Finish() == nil)
		answered := previews(all(drained(tuning.Next)))
		check(answered[len(answered)-1] == last, answered)
		outputs := b.finish(ctx, applied.Task).Outputs
		check(len(outputs) == 1 && outputs[0].Width == 90 && outputs[0].Height == 68, outputs)
	}},
	{"tune-newest", func(ctx context.Context, b *bench) {
		tuning := must(b.ann.Tune(ctx, b.someImage(ctx).Id, text("blur:2")))
		for i := range 300 {
			must(tuning.Set(map[string]any{"steps[0].sigma": 1 + float64(i)/10}))
		}
		check(tuning.Finish() == nil)
		answered := previews(all(drained(tuning.Next)))
		check(answered[len(answered)-1] == 300 && len(answered) < 150, answered)
		check(slices.IsSorted(answered), answered)
	}},
	{"tune-refused", func(ctx context.Context, b *bench) {
		_, err := must(b.ann.Tune(ctx, unusedID(), text("blur:2"))).Next()
		refused(err, codes.NotFound, "image_not_found", "")
		_, err = must(b.ann.Tune(ctx, b.someImage(ctx).Id, text("blurr:2"))).Next()
		refused(err, codes.InvalidArgument, "invalid_recipe", "")
	}},
}

// sendPicture calls ProcessImage with the given commit, or without one if it is nil, and returns the error.
func (b *bench) sendPicture(ctx context.Context, data []byte, commit *pb.UploadCommit) error {
	call := must(b.ann.RPC.ProcessImage(ctx))
	about := &pb.ProcessImageMetadata{MediaType: "image/jpeg", Recipe: tiny}
	requests := []*pb.ProcessImageRequest{{Data: &pb.ProcessImageRequest_Metadata{Metadata: about}}}
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
	_, err := drained(call.Recv)
	return err
}

// hear skips messages until one of the requested type arrives.
func hear[T any](tuning *pixelflow.Tuning, of func(*pb.TuneResponse) *T) *T {
	for {
		if found := of(must(tuning.Next()).TuneResponse); found != nil {
			return found
		}
	}
}

// previews returns the numbers of the changes that were answered with a preview.
func previews(heard []pixelflow.Heard) []int64 {
	var answered []int64
	for _, one := range heard {
		if preview := one.GetPreview(); preview != nil {
			answered = append(answered, preview.Sequence)
		}
	}
	return answered
}
