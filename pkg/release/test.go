package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
)

// Test is helm test: it runs the hooks of a release that are its tests.
type Test struct {
	helm   *Helm
	format output.Format

	timeout         time.Duration
	filter          []string
	logs, hideNotes bool
	name            string
	release         *helmrelease.Release
	// ran are the tests that were chosen, with what they have made.
	ran []*Hook
	// SecretsOf returns the values of the Secrets that a pod uses, which are not shown in its log. The error names those
	// that could not be read; the values of the others are returned beside it. Nil: nothing is hidden.
	SecretsOf func(context.Context, *corev1.Pod) ([]string, error)
	// warned reports that a Secret could not be read, and that this was said.
	warned bool
}

// NewTest returns a test with Helm's defaults.
func NewTest(h *Helm) *Test { return &Test{helm: h, format: output.Table} }

// AddFlags adds the flags of helm test, and --output, which helm's command lacks.
func (t *Test) AddFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&t.timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.BoolVar(&t.logs, "logs", false, "dump the logs from test pods (this runs after all tests are complete, but before any cleanup)")
	fs.StringSliceVar(&t.filter, "filter", nil, "specify tests by attribute (currently \"name\") using attribute=value syntax or '!attribute=value' to exclude a test (can specify multiple or separate values with commas: name=test1,name=test2)")
	fs.BoolVar(&t.hideNotes, "hide-notes", false, "if set, do not show notes in test output. Does not affect presence in chart metadata")
	addOutputFlag(fs, &t.format)
}

// notName begins a filter that leaves a test out.
var notName = regexp.MustCompile(`^!\s?name=`)

// The places of a test among those of a release, as action.ReleaseTesting orders them when it stores the release: those
// that a filter leaves out, those that none names, and those that run.
const (
	leftOut = iota
	notNamed
	chosen
)

// place returns where the filters put a test.
func (t *Test) place(h *helmrelease.Hook) int {
	var only, without []string
	for _, f := range t.filter {
		if name, ok := strings.CutPrefix(f, "name="); ok {
			only = append(only, name)
		} else if notName.MatchString(f) {
			without = append(without, notName.ReplaceAllLiteralString(f, ""))
		}
	}
	switch {
	case slices.Contains(without, h.Name):
		return leftOut
	case len(only) > 0 && !slices.Contains(only, h.Name):
		return notNamed
	}
	return chosen
}

// chosen reports whether the filters choose a test.
func (t *Test) chosen(h *helmrelease.Hook) bool { return t.place(h) == chosen }

// Validate checks the filters: one that says nothing would choose all tests.
func (t *Test) Validate() error {
	for _, f := range t.filter {
		if !strings.HasPrefix(f, "name=") && !notName.MatchString(f) {
			return fmt.Errorf("--filter is name=TEST or '!name=TEST', not %q", f)
		}
	}
	return nil
}

// Run runs the tests of the release of that name. The error says which failed. What they have made is there until
// Tidy is called.
func (t *Test) Run(name string) error {
	t.name = name
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return fmt.Errorf("release name %q: %w", name, err)
	}
	if err := t.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{err}
	}
	last, err := t.helm.exists(name)
	switch {
	case err != nil:
		return &PreflightError{err}
	case last == nil:
		return &PreflightError{fmt.Errorf("release %q not found in namespace %q", name, t.helm.namespace)}
	case t.helm.mode == HooksNone:
		return &PreflightError{errors.New("a release's tests are hooks; with --hooks=none there is nothing to run")}
	case !t.helm.ours():
		return t.byHelm()
	}
	t.release = last
	all := last.Hooks
	slices.SortStableFunc(all, func(a, b *helmrelease.Hook) int { return t.place(a) - t.place(b) })
	last.Hooks = slices.DeleteFunc(slices.Clone(all), func(h *helmrelease.Hook) bool { return !t.chosen(h) })
	t.ran, err = t.helm.client.carryOut(last, helmrelease.HookTest, t.timeout)
	last.Hooks = all
	return err
}

// Tidy deletes what the delete policies of the tests say, and stores how they ended. It is called after Run, also
// when that failed.
func (t *Test) Tidy() error {
	if t.release == nil || !t.helm.ours() {
		return nil // Helm has done it
	}
	return errors.Join(tidy(t.ran), t.helm.config.Releases.Update(t.release))
}

// byHelm has Helm's own code run the tests.
func (t *Test) byHelm() error {
	c := action.NewReleaseTesting(t.helm.config)
	c.Timeout, c.Namespace, c.HideNotes = t.timeout, t.helm.namespace, t.hideNotes
	for _, f := range t.filter {
		if name, ok := strings.CutPrefix(f, "name="); ok {
			c.Filters[action.IncludeNameFilter] = append(c.Filters[action.IncludeNameFilter], name)
		} else {
			c.Filters[action.ExcludeNameFilter] = append(c.Filters[action.ExcludeNameFilter], notName.ReplaceAllLiteralString(f, ""))
		}
	}
	var err error
	t.release, err = c.Run(t.name)
	return err
}

// Format is that of Print: table, json or yaml.
func (t *Test) Format() string { return string(t.format) }

// Print writes what helm test writes; run is nil, for there are no tasks around it.
func (t *Test) Print(out io.Writer, _ any) error {
	if t.release == nil {
		return nil
	}
	if err := printRelease(out, t.format, status{release: t.release, debug: t.helm.Settings.Debug(), hideNotes: t.hideNotes}); err != nil || !t.logs {
		return err
	}
	if t.format != output.Table {
		out = t.helm.ErrOut // the object alone is the result
	}
	fmt.Fprintln(out)
	return t.writeLogs(out)
}
