package pixelflow

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

const positionKey = "pixelflow-position"

// positions stores the position of the last write. Calls are balanced over the gateways; a read that sends the position
// includes that write on any gateway.
type positions struct {
	lock   sync.Mutex
	newest string
}

func (p *positions) intercept(
	ctx context.Context, method string, request, reply any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	p.lock.Lock()
	sent := p.newest
	p.lock.Unlock()
	own, _ := metadata.FromOutgoingContext(ctx)
	if sent != "" && len(own.Get(positionKey)) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, positionKey, sent)
	}
	var header metadata.MD
	err := invoke(ctx, method, request, reply, connection, append(options, grpc.Header(&header))...)
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, one := range header.Get(positionKey) {
		if isLater(one, p.newest) {
			p.newest = one
		}
	}
	// The server was restored from an older backup and no longer knows the position.
	if err != nil && p.newest == sent && slices.ContainsFunc(DetailsOf(err).Fields, isPosition) {
		p.newest = ""
	}
	return err
}

func isPosition(one *errdetails.BadRequest_FieldViolation) bool {
	return one.Field == positionKey && one.Reason == "invalid_request"
}

// isLater reports whether a position is newer: responses can arrive out of order.
func isLater(one, other string) bool {
	oneSeq, oneLog, _ := strings.Cut(one, ".")
	otherSeq, otherLog, _ := strings.Cut(other, ".")
	if oneLog != otherLog {
		return true
	}
	first, _ := strconv.ParseUint(oneSeq, 36, 64)
	second, _ := strconv.ParseUint(otherSeq, 36, 64)
	return first > second
}
