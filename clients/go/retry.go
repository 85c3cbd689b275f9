package pixelflow

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// retry reopens a stream while no gateway is available: for one minute, with exponential backoff.
type retry struct {
	pause    time.Duration
	deadline time.Time
}

func newRetry() *retry {
	return &retry{pause: 100 * time.Millisecond, deadline: time.Now().Add(time.Minute)}
}

// wait pauses before the next try. It returns err if err is not temporary or the minute is over.
func (r *retry) wait(ctx context.Context, err error) error {
	if status.Code(err) != codes.Unavailable || time.Now().Add(r.pause).After(r.deadline) {
		return err
	}
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(r.pause):
	}
	r.pause = min(2*r.pause, 5*time.Second)
	return nil
}
