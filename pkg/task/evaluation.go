package task

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Evaluation compares metrics with their targets, as Keptn's evaluations do (spec keptn.md § 3.6).
type Evaluation struct {
	// Definition is the name of the KeptnEvaluationDefinition.
	Definition string
	Objectives []Objective
	// Retries is the number of retries for objectives that were not met, Interval the pause before each.
	Retries  int
	Interval time.Duration
}

// Objective is one metric with its target.
type Objective struct {
	// Metric and Namespace identify the KeptnMetric; an empty namespace means that of the run.
	Metric, Namespace string
	Target            Threshold
	// Server is the address of a Prometheus, and Query the query for it when the cluster has no value of the metric; empty
	// when there is no such server.
	Server, Query string
	// Insecure does not check the server's certificate. Secret and Key hold a bearer token.
	Insecure    bool
	Secret, Key string
}

// Threshold is "<NUMBER" or ">NUMBER", without spaces.
type Threshold string

// ParseThreshold returns the text as a Threshold. The error lists the allowed forms.
func ParseThreshold(text string) (Threshold, error) {
	if !strings.HasPrefix(text, "<") && !strings.HasPrefix(text, ">") {
		return "", fmt.Errorf("the target %q must be < or > and a number", text)
	}
	if v, err := strconv.ParseFloat(text[1:], 64); err != nil || math.IsNaN(v) {
		return "", fmt.Errorf("the target %q must be < or > and a number, without a space between them", text)
	}
	return Threshold(text), nil
}

// Met reports whether a value meets the threshold.
func (t Threshold) Met(value float64) bool {
	limit, err := strconv.ParseFloat(string(t[1:]), 64)
	switch {
	case err != nil:
		return false
	case t[0] == '<':
		return value < limit
	}
	return value > limit
}

// Kind returns "evaluation".
func (Evaluation) Kind() string { return "evaluation" }

// Argv returns the name of the definition.
func (e Evaluation) Argv() []string { return []string{e.Definition} }

// Text returns the metrics with their targets.
func (e Evaluation) Text() string {
	parts := make([]string, len(e.Objectives))
	for i, o := range e.Objectives {
		parts[i] = o.Metric + " " + string(o.Target)
	}
	return e.Definition + ": " + strings.Join(parts, ", ")
}

func (Evaluation) executor() {}
