package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table is the result of a run of the benchmark.
type table struct{ Rows []row }

// row is one line: how two programs do the same work.
type row struct {
	Work string `json:"work"`
	Unit string `json:"unit"`
	// Ours and Theirs are the values of each round, and Other is whose the latter are.
	Ours   []float64 `json:"ours"`
	Other  string    `json:"other"`
	Theirs []float64 `json:"theirs"`
	// Goal is the ratio of the medians that must not be passed; 0 is none.
	Goal float64 `json:"goal"`
	// Least turns the goal around: the ratio must be at least that.
	Least bool `json:"least,omitempty"`
	// Limit is a goal for our own median; 0 is none.
	Limit float64 `json:"limit,omitempty"`
	// Floor is what the ratio must not pass, or with Least what it must reach, where docs/performance.md says what
	// keeps it from the goal; 0 is none.
	Floor float64 `json:"floor,omitempty"`
}

func (r row) ratio() float64 { return median(r.Ours) / median(r.Theirs) }

// reached reports whether the row reaches its goals.
func (r row) reached() bool {
	switch {
	case r.Limit > 0 && median(r.Ours) > r.Limit:
		return false
	case r.Goal == 0 || len(r.Theirs) == 0:
		return true
	case r.Least:
		return r.ratio() >= r.Goal
	}
	return r.ratio() <= r.Goal
}

// bearable reports whether a row that misses its goal does so as is explained.
func (r row) bearable() bool {
	if r.Least {
		return r.Floor > 0 && r.ratio() >= r.Floor
	}
	return r.Floor > 0 && r.ratio() <= r.Floor
}

func (t *table) add(rows ...row) { t.Rows = append(t.Rows, rows...) }

// compare adds a row of times.
func (t *table) compare(work string, ours []measured, other string, theirs []measured, goal float64) {
	t.add(row{Work: work, Unit: "s", Ours: seconds(ours), Other: other, Theirs: seconds(theirs), Goal: goal})
}

func seconds(all []measured) []float64 {
	values := make([]float64, len(all))
	for i, m := range all {
		values[i] = m.wall.Seconds()
	}
	return values
}

func megabytes(all []measured) []float64 {
	values := make([]float64, len(all))
	for i, m := range all {
		values[i] = float64(m.memory) / (1 << 20)
	}
	return values
}

func requests(all []measured) []float64 {
	values := make([]float64, len(all))
	for i, m := range all {
		values[i] = float64(m.requests)
	}
	return values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// cells are a row as the tables show it.
func (r row) cells() []string {
	ratio, goal, verdict := "", "", "ok"
	if len(r.Theirs) > 0 {
		ratio = fmt.Sprintf("%.2f", r.ratio())
	}
	switch {
	case r.Goal > 0 && r.Least:
		goal = fmt.Sprintf("≥ %.2f", r.Goal)
	case r.Goal > 0:
		goal = fmt.Sprintf("≤ %.2f", r.Goal)
	}
	if r.Limit > 0 {
		goal = strings.TrimSpace(goal + fmt.Sprintf(" ≤ %s", value(r.Limit, r.Unit)))
	}
	switch {
	case goal == "":
		verdict = ""
	case !r.reached() && r.bearable():
		bound := "at most"
		if r.Least {
			bound = "at least"
		}
		verdict = fmt.Sprintf("missed, as explained; %s %.2f", bound, r.Floor)
	case !r.reached():
		verdict = "MISSED"
	}
	return []string{r.Work, show(r.Ours, r.Unit), r.Other, show(r.Theirs, r.Unit), ratio, goal, verdict}
}

var head = []string{"work", "ours", "compared with", "theirs", "ratio", "goal", ""}

// show writes the median, and the least and the most.
func show(values []float64, unit string) string {
	if len(values) == 0 {
		return ""
	}
	if len(values) == 1 {
		return value(values[0], unit)
	}
	return fmt.Sprintf("%s (%s–%s)", value(median(values), unit), value(slices.Min(values), unit), value(slices.Max(values), unit))
}

func value(v float64, unit string) string {
	switch {
	case unit == "s" && v < 1:
		return fmt.Sprintf("%.3g ms", v*1000)
	case unit == "s":
		return time.Duration(v * float64(time.Second)).Round(10 * time.Millisecond).String()
	case unit == "":
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

func (t *table) write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(head, "\t")))
	for _, r := range t.Rows {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
	}
	_ = w.Flush()
}

func (t *table) writeMarkdown(file string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // a document
}

func (t *table) writeJSON(file string) error {
	text, err := json.MarshalIndent(t.Rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // a document
}

// missed returns an error that names the goals that were missed, except for those whose floor is known.
func (t *table) missed() error {
	var errs []error
	for _, r := range t.Rows {
		if !r.reached() && !r.bearable() {
			errs = append(errs, fmt.Errorf("goal missed: %s", strings.Join(slices.DeleteFunc(r.cells(), func(s string) bool { return s == "" }), ", ")))
		}
	}
	return errors.Join(errs...)
}
