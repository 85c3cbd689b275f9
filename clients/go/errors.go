package pixelflow

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// Details are the google.rpc details of an error; nil fields are absent.
type Details struct {
	// Info has the error code as its reason.
	Info *errdetails.ErrorInfo
	// Request has the id of the call in the server's log.
	Request *errdetails.RequestInfo
	// Fields are the invalid fields.
	Fields []*errdetails.BadRequest_FieldViolation
	// Retry has the delay before the next retry.
	Retry *errdetails.RetryInfo
	// Remedy describes how to correct the error, in English.
	Remedy *errdetails.LocalizedMessage
}

// DetailsOf reads the google.rpc details of an error.
func DetailsOf(err error) Details {
	var found Details
	for _, detail := range status.Convert(err).Details() {
		switch one := detail.(type) {
		case *errdetails.ErrorInfo:
			found.Info = one
		case *errdetails.RequestInfo:
			found.Request = one
		case *errdetails.BadRequest:
			found.Fields = one.FieldViolations
		case *errdetails.RetryInfo:
			found.Retry = one
		case *errdetails.LocalizedMessage:
			found.Remedy = one
		}
	}
	return found
}

// Explain formats an error with its field, code and remedy.
func Explain(err error) string {
	said, details := status.Convert(err), DetailsOf(err)
	lines := []string{fmt.Sprintf("%s: %s", said.Code(), said.Message())}
	for _, field := range details.Fields {
		lines = append(lines, "  field: "+field.Field)
	}
	if details.Remedy != nil {
		lines = append(lines, "  "+details.Remedy.Message)
	}
	if details.Request != nil {
		lines = append(lines, "  request: "+details.Request.RequestId)
	}
	return strings.Join(lines, "\n")
}
