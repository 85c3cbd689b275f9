package pixelflow

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// backoff limits how often a broken stream is reopened: for one minute, with exponentially growing pauses.
type backoff struct {
	pause    time.Duration
	deadline time.Time
}

func newBackoff() *backoff {
	return &backoff{pause: 100 * time.Millisecond, deadline: time.Now().Add(time.Minute)}
}

// wait pauses before the next try. It returns err if err is not temporary or the minute has passed.
func (b *backoff) wait(ctx context.Context, err error) error {
	if status.Code(err) != codes.Unavailable || time.Now().Add(b.pause).After(b.deadline) {
		return err
	}
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(b.pause):
	}
	b.pause = min(2*b.pause, 5*time.Second)
	return nil
}
