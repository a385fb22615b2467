//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
)

// ours runs the program in this process and returns what it writes and its exit code.
func ours(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	code = app.Run(t.Context(), args)
	return out.String(), errOut.String(), code
}

func helm(t *testing.T, variable string, args ...string) string {
	t.Helper()
	var errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), required(t, variable), args...)
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return string(out)
}

var (
	flagLine    = regexp.MustCompile(`^ +(?:-(\w), )?--([a-z0-9-]+)(?: (\S+))?(.*)$`)
	defaultText = regexp.MustCompile(`\(default (.*)\)$`)
)

// flags reads the flags of a help text: name, shorthand, type and default.
func flags(help string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(help) {
		m := flagLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		value := ""
		if d := defaultText.FindStringSubmatch(m[4]); d != nil {
			value = d[1]
		}
		found[m[2]] = fmt.Sprintf("shorthand %q type %q default %q", m[1], m[3], value)
	}
	return found
}

// TestFlags: each flag of Helm's own commands is here, with its shorthand, type and default, so
// that a newer Helm cannot drift away unnoticed.
func TestFlags(t *testing.T) {
	for _, command := range []string{"install", "upgrade", "rollback", "uninstall", "test"} {
		t.Run(command, func(t *testing.T) {
			theirs := flags(helm(t, "HELM3", command, "--help"))
			if len(theirs) < 20 { // its own and the global ones
				t.Fatalf("only %d flags found in Helm's help", len(theirs))
			}
			text, _, _ := ours(t, command, "--help")
			mine := flags(text)
			for name, want := range theirs {
				if name == "help" {
					continue
				}
				if got, ok := mine[name]; !ok {
					t.Errorf("--%s is missing", name)
				} else if got != want {
					t.Errorf("--%s: %s; Helm's: %s", name, got, want)
				}
			}
		})
	}
}

var volatile = []struct{ pattern, replacement string }{
	{`e2e-[a-z0-9-]+`, "NAMESPACE"},
	{`[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] \d\d:\d\d:\d\d \d{4}`, "TIME"},
	{`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`, "TIME"},
}

func stable(text string) string {
	for _, v := range volatile {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.replacement)
	}
	return text
}

// TestOutput: what Helm's commands write to standard output, ours write, byte for byte except for
// times and the namespace.
func TestOutput(t *testing.T) {
	cluster := client(t)
	t.Chdir(t.TempDir()) // no task file here
	chart := filepath.Join(rootDir, "examples/web")
	steps := [][]string{
		{"install", "web", chart, "--dry-run"},
		{"install", "web", chart, "--dry-run=server", "-o", "json"},
		{"install", "web", chart, "--wait", "--set", "replicas=1"},
		{"upgrade", "web", chart, "--reuse-values", "--set", "greeting=b", "--description", "second"},
		{"upgrade", "web", chart, "-o", "json"},
		{"upgrade", "web", chart, "-o", "yaml"},
		{"upgrade", "web", chart, "--dry-run=client", "--hide-notes"},
		{"upgrade", "web", chart, "--debug", "--dry-run=server"},
		{"rollback", "web", "--dry-run"},
		{"rollback", "web", "1", "--wait"},
		{"rollback", "web"},
		{"uninstall", "web", "--dry-run"},
		{"uninstall", "web", "--keep-history"},
		{"upgrade", "--install", "web", chart, "--labels", "a=b"},
		{"upgrade", "--install", "new", chart, "--hide-notes"},
		{"uninstall", "web", "new", "--wait"},
	}
	theirs, mine := namespace(t, cluster, "helm"), namespace(t, cluster, "ours")
	for _, step := range steps {
		t.Run(strings.Join(append(slices.Clone(step[:1]), step[2:]...), " "), func(t *testing.T) {
			want := helm(t, "HELM3", append(slices.Clone(step), "-n", theirs)...)
			got, errors, code := ours(t, append(slices.Clone(step), "-n", mine)...)
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, errors)
			}
			if diff := cmp.Diff(stable(want), stable(got)); diff != "" {
				t.Errorf("(-helm +ours):\n%s", diff)
			}
			if slices.Contains(step, "--debug") {
				return
			}
			for line := range strings.Lines(errors) {
				if !strings.HasPrefix(line, "no tasks: none in ") {
					t.Errorf("besides that there are no tasks there is nothing to say, but: %s", line)
				}
			}
		})
	}
}

// TestHelmReads: both helms act on our own releases.
func TestHelmReads(t *testing.T) {
	ns := namespace(t, client(t), "reads")
	t.Chdir(t.TempDir())
	chart := filepath.Join(rootDir, "examples/web")
	for _, args := range [][]string{
		{"install", "web", chart, "-n", ns},
		{"upgrade", "web", chart, "-n", ns, "--set", "replicas=1"},
	} {
		if _, errors, code := ours(t, args...); code != 0 {
			t.Fatalf("exit code %d\n%s", code, errors)
		}
	}
	for _, variable := range []string{"HELM3", "HELM4"} {
		for _, args := range [][]string{
			{"list", "-n", ns},
			{"get", "all", "web", "-n", ns},
			{"history", "web", "-n", ns},
			{"rollback", "web", "1", "-n", ns},
			{"upgrade", "web", chart, "-n", ns},
		} {
			if out := helm(t, variable, args...); out == "" {
				t.Errorf("%s %v says nothing", variable, args)
			}
		}
	}
	if _, errors, code := ours(t, "uninstall", "web", "-n", ns); code != 0 {
		t.Fatalf("a release that both helms changed: exit code %d\n%s", code, errors)
	}
}
