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

// Test is helm test: it runs the test hooks of a release.
type Test struct {
	helm   *Helm
	format output.Format

	timeout         time.Duration
	filter          []string
	logs, hideNotes bool
	name            string
	release         *helmrelease.Release
	// executed are the selected tests, with the objects that they created.
	executed []*Hook
	// SecretsOf returns the values of the Secrets that a pod uses, which are masked in its log. The error names Secrets
	// that could not be read; the values of the others are returned with it. If it is nil, nothing is masked.
	SecretsOf func(context.Context, *corev1.Pod) ([]string, error)
	// warned reports that the note about unreadable Secrets was printed.
	warned bool
}

// NewTest returns a test with Helm's defaults.
func NewTest(h *Helm) *Test { return &Test{helm: h, format: output.Table} }

// AddFlags adds the flags of helm test, and --output.
func (t *Test) AddFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&t.timeout, "timeout", defaultTimeout, "time to wait for any individual Kubernetes operation (like Jobs for hooks)")
	fs.BoolVar(&t.logs, "logs", false, "dump the logs from test pods (this runs after all tests are complete, but before any cleanup)")
	fs.StringSliceVar(&t.filter, "filter", nil, "specify tests by attribute (currently \"name\") using attribute=value syntax or '!attribute=value' to exclude a test (can specify multiple or separate values with commas: name=test1,name=test2)")
	fs.BoolVar(&t.hideNotes, "hide-notes", false, "if set, do not show notes in test output. Does not affect presence in chart metadata")
	addOutputFlag(fs, &t.format)
}

// notName matches the start of a filter that excludes a test.
var notName = regexp.MustCompile(`^!\s?name=`)

// The groups in which action.ReleaseTesting orders the tests when it stores the release: those that a filter
// excludes, those that no filter includes, and those that run.
const (
	excludedTest = iota
	notIncludedTest
	selectedTest
)

// group returns the group of a test, by the filters.
func (t *Test) group(h *helmrelease.Hook) int {
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
		return excludedTest
	case len(only) > 0 && !slices.Contains(only, h.Name):
		return notIncludedTest
	}
	return selectedTest
}

// selected reports whether the filters select a test.
func (t *Test) selected(h *helmrelease.Hook) bool { return t.group(h) == selectedTest }

// Validate checks the filters. Helm ignores a malformed one and runs all tests.
func (t *Test) Validate() error {
	for _, f := range t.filter {
		if !strings.HasPrefix(f, "name=") && !notName.MatchString(f) {
			return fmt.Errorf("--filter must be name=TEST or '!name=TEST', not %q", f)
		}
	}
	return nil
}

// Run runs the tests of a release. The error names those that failed; errors before the first test are
// *PreflightError. The objects that the tests created stay until Cleanup is called.
func (t *Test) Run(name string) error {
	t.name = name
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return fmt.Errorf("release name %q: %w", name, err)
	}
	if err := t.helm.config.KubeClient.IsReachable(); err != nil {
		return &PreflightError{err}
	}
	last, err := t.helm.find(name)
	switch {
	case err != nil:
		return &PreflightError{err}
	case last == nil:
		return &PreflightError{fmt.Errorf("release %q not found in namespace %q", name, t.helm.namespace)}
	case t.helm.mode == HooksNone:
		return &PreflightError{errors.New("a release's tests are hooks; with --hooks=none there is nothing to run")}
	case !t.helm.runsHooks():
		return t.runByHelm()
	}
	t.release = last
	all := last.Hooks
	slices.SortStableFunc(all, func(a, b *helmrelease.Hook) int { return t.group(a) - t.group(b) })
	last.Hooks = slices.DeleteFunc(slices.Clone(all), func(h *helmrelease.Hook) bool { return !t.selected(h) })
	t.executed, err = t.helm.client.executeHooks(last, helmrelease.HookTest, t.timeout)
	last.Hooks = all
	return err
}

// Cleanup applies the delete policies of the tests and stores their outcome. It must be called after Run, also after an
// error.
func (t *Test) Cleanup() error {
	if t.release == nil || !t.helm.runsHooks() {
		return nil // Helm did both
	}
	return errors.Join(applyDeletePolicies(t.executed), t.helm.config.Releases.Update(t.release))
}

// runByHelm runs the tests with Helm's own code.
func (t *Test) runByHelm() error {
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

// Format returns the output format of Print: table, json or yaml.
func (t *Test) Format() string { return string(t.format) }

// Print writes the output of helm test. It ignores run, because a test has no tasks.
func (t *Test) Print(out io.Writer, _ any) error {
	if t.release == nil {
		return nil
	}
	if err := printRelease(out, t.format, status{release: t.release, debug: t.helm.Settings.Debug(), hideNotes: t.hideNotes}); err != nil || !t.logs {
		return err
	}
	if t.format != output.Table {
		out = t.helm.ErrOut // standard output has the object only
	}
	fmt.Fprintln(out)
	return t.writeLogs(out)
}
