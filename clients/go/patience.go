package pixelflow

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// patience is how long a stream is tried again while no gateway answers: a minute, with pauses that grow.
type patience struct {
	pause    time.Duration
	deadline time.Time
}

func newPatience() *patience {
	return &patience{pause: 100 * time.Millisecond, deadline: time.Now().Add(time.Minute)}
}

// wait waits before the next try, or gives the error when another makes no sense.
func (p *patience) wait(ctx context.Context, err error) error {
	if status.Code(err) != codes.Unavailable || time.Now().Add(p.pause).After(p.deadline) {
		return err
	}
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(p.pause):
	}
	p.pause = min(2*p.pause, 5*time.Second)
	return nil
}
