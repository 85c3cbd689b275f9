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

// hear passes over what is heard until there is one of a kind.
func hear[T any](tuning *pixelflow.Tuning, of func(*pb.TuneResponse) *T) *T {
	for {
		if found := of(must(tuning.Next()).TuneResponse); found != nil {
			return found
		}
	}
}

// previews are the numbers of the changes that were answered.
func previews(heard []pixelflow.Heard) []int64 {
	var answered []int64
	for _, one := range heard {
		if preview := one.GetPreview(); preview != nil {
			answered = append(answered, preview.Sequence)
		}
	}
	return answered
}
