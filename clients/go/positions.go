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

// positions keeps the position of the last write. Calls are balanced over the gateways; a read that sends the position
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
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	if sent != "" && len(outgoing.Get(positionKey)) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, positionKey, sent)
	}
	var header metadata.MD
	err := invoke(ctx, method, request, reply, connection, append(options, grpc.Header(&header))...)
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, position := range header.Get(positionKey) {
		if isLater(position, p.newest) {
			p.newest = position
		}
	}
	// The server was restored from an older backup and no longer knows the position.
	if err != nil && p.newest == sent && slices.ContainsFunc(DetailsOf(err).Fields, isPosition) {
		p.newest = ""
	}
	return err
}

func isPosition(violation *errdetails.BadRequest_FieldViolation) bool {
	return violation.Field == positionKey && toErrorCode(violation.Reason) == "invalid_request"
}

// isLater reports whether a position is newer than the known one, because responses can arrive out of order. A position of
// another log is newer: that log has replaced the previous one.
func isLater(position, known string) bool {
	sequence, log, _ := strings.Cut(position, ".")
	knownSequence, knownLog, _ := strings.Cut(known, ".")
	if log != knownLog {
		return true
	}
	first, _ := strconv.ParseUint(sequence, 36, 64)
	second, _ := strconv.ParseUint(knownSequence, 36, 64)
	return first > second
}
