package keptn

import "regexp"

// validTrace is the form of a W3C trace context.
var validTrace = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// TraceParent returns the trace in $TRACEPARENT that the run is part of; "" when it is not part of one.
func TraceParent(getenv func(string) string) string {
	if trace := getenv("TRACEPARENT"); validTrace.MatchString(trace) {
		return trace
	}
	return ""
}
