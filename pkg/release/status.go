package release

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"sigs.k8s.io/yaml"
)

// status writes a release as Helm 3 does after an install or upgrade. Lines and order are those of Helm's
// cmd/helm/status.go, because scripts parse them.
type status struct {
	release *helmrelease.Release
	// failed reports that the change failed: Helm prints only the error then.
	failed    bool
	debug     bool
	hideNotes bool
	// run is added to JSON and YAML, unless it is nil.
	run any
}

// printRelease writes a release in an output format.
func printRelease(out io.Writer, format output.Format, s status) error { return format.Write(out, s) }

// releaseWithRun is Helm's release object with the additional key run at its end.
type releaseWithRun struct {
	*helmrelease.Release `json:",inline"`
	Run                  any `json:"run"`
}

// object returns the object for JSON and YAML.
func (s status) object() any {
	if s.run == nil {
		return s.release
	}
	return releaseWithRun{Release: s.release, Run: s.run}
}

// WriteJSON implements output.Writer.
func (s status) WriteJSON(out io.Writer) error { return output.EncodeJSON(out, s.object()) }

// WriteYAML implements output.Writer.
func (s status) WriteYAML(out io.Writer) error { return encodeYAML(out, s.object()) }

// encodeYAML is Helm's output.EncodeYAML, except that it also encodes control characters such as U+009B, which are an
// error there.
func encodeYAML(out io.Writer, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	text, err = yaml.JSONToYAML(rawControls.ReplaceAllFunc(text, func(c []byte) []byte {
		r, _ := utf8.DecodeRune(c)
		return fmt.Appendf(nil, `\u%04x`, r)
	}))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// rawControls matches the control characters that JSON allows without an escape.
var rawControls = regexp.MustCompile("[\x7f-\u009f]")

// WriteTable implements output.Writer.
func (s status) WriteTable(out io.Writer) error {
	if s.release == nil || s.failed {
		return nil
	}
	var b strings.Builder
	s.writeHead(&b)
	s.writeTests(&b)
	if s.debug {
		if err := s.writeValues(&b); err != nil {
			return err
		}
	}
	if s.debug || strings.EqualFold(s.release.Info.Description, "Dry run complete") {
		b.WriteString("HOOKS:\n")
		for _, h := range s.release.Hooks {
			fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", h.Path, h.Manifest)
		}
		fmt.Fprintf(&b, "MANIFEST:\n%s\n", s.release.Manifest)
	}
	if notes := s.release.Info.Notes; !s.hideNotes && notes != "" {
		fmt.Fprintf(&b, "NOTES:\n%s\n", strings.TrimSpace(notes))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (s status) writeHead(b *strings.Builder) {
	fmt.Fprintf(b, "NAME: %s\n", s.release.Name)
	if deployed := s.release.Info.LastDeployed; !deployed.IsZero() {
		fmt.Fprintf(b, "LAST DEPLOYED: %s\n", deployed.Format(time.ANSIC))
	}
	fmt.Fprintf(b, "NAMESPACE: %s\n", s.release.Namespace)
	fmt.Fprintf(b, "STATUS: %s\n", s.release.Info.Status)
	fmt.Fprintf(b, "REVISION: %d\n", s.release.Version)
}

// writeTests writes the outcome of the chart's test hooks that have run, or that it has none.
func (s status) writeTests(b *strings.Builder) {
	var tests []*helmrelease.Hook
	for _, h := range s.release.Hooks {
		if slices.Contains(h.Events, helmrelease.HookTest) {
			tests = append(tests, h)
		}
	}
	if len(tests) == 0 {
		b.WriteString("TEST SUITE: None\n")
	}
	for _, h := range tests {
		if h.LastRun.StartedAt.IsZero() {
			continue
		}
		fmt.Fprintf(b, "TEST SUITE:     %s\n", h.Name)
		fmt.Fprintf(b, "Last Started:   %s\n", h.LastRun.StartedAt.Format(time.ANSIC))
		fmt.Fprintf(b, "Last Completed: %s\n", h.LastRun.CompletedAt.Format(time.ANSIC))
		fmt.Fprintf(b, "Phase:          %s\n", h.LastRun.Phase)
	}
}

func (s status) writeValues(b *strings.Builder) error {
	b.WriteString("USER-SUPPLIED VALUES:\n")
	if err := encodeYAML(b, s.release.Config); err != nil {
		return err
	}
	computed, err := chartutil.CoalesceValues(s.release.Chart, s.release.Config)
	if err != nil {
		return err
	}
	b.WriteString("\nCOMPUTED VALUES:\n")
	if err := encodeYAML(b, computed.AsMap()); err != nil {
		return err
	}
	b.WriteString("\n")
	return nil
}
