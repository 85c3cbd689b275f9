package pixelflow

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// Details are the google.rpc messages attached to an error; those that are absent are nil.
type Details struct {
	// Info contains the error code as its reason, in upper case; Code returns the code itself.
	Info *errdetails.ErrorInfo
	// Request contains the id of the call in the server's log.
	Request *errdetails.RequestInfo
	// Fields are the invalid fields.
	Fields []*errdetails.BadRequest_FieldViolation
	// Retry contains the delay before the next try.
	Retry *errdetails.RetryInfo
	// Remedy says how to correct the error, in English.
	Remedy *errdetails.LocalizedMessage
}

// Code returns the error code, which is the same as in problems over HTTP: "invalid_recipe" for the reason INVALID_RECIPE.
// It is empty if the error has no PixelFlow details.
func (details Details) Code() string {
	if details.Info.GetDomain() != "pixelflow" {
		return ""
	}
	return toErrorCode(details.Info.GetReason())
}

// toErrorCode converts a reason of google.rpc to the error code.
func toErrorCode(reason string) string {
	return strings.ToLower(reason)
}

// DetailsOf reads the google.rpc details of an error.
func DetailsOf(err error) Details {
	var found Details
	for _, detail := range status.Convert(err).Details() {
		switch message := detail.(type) {
		case *errdetails.ErrorInfo:
			found.Info = message
		case *errdetails.RequestInfo:
			found.Request = message
		case *errdetails.BadRequest:
			found.Fields = message.FieldViolations
		case *errdetails.RetryInfo:
			found.Retry = message
		case *errdetails.LocalizedMessage:
			found.Remedy = message
		}
	}
	return found
}

// Explain formats an error with its code, fields, remedy and request id.
func Explain(err error) string {
	st, details := status.Convert(err), DetailsOf(err)
	lines := []string{fmt.Sprintf("%s: %s", st.Code(), st.Message())}
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
