package native

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
)

func TestExpressionsIn(t *testing.T) {
	for text, want := range map[string][]string{
		"echo ${release.name}":                                          {"${release.name}"},
		`echo "a ${params.SIZE}" ${values.image.tag:-x}`:                {"${params.SIZE}", "${values.image.tag:-x}"},
		`echo "$(echo "${tasks.a.status}")" $(echo ${run.status})`:      {"${tasks.a.status}", "${run.status}"},
		"echo `echo ${env.CI}`":                                         {"${env.CI}"},
		"cat <<E\n${release.name}\nE\necho ${run.status}":               {"${release.name}", "${run.status}"},
		"cat <<E\n'${release.name}'":                                    {"'${release.name}'"[1:16]},
		"echo $((${params.N} << 2))\necho '${params.M}'":                {"${params.N}"},
		"echo '${release.name}'":                                        nil,
		`echo "$(echo '${release.name}')"`:                              nil,
		`echo \${release.name} "\${release.name}" $${run.status}`:       nil,
		"# don't ${release.name}\necho a#${phase}":                      nil,
		"cat <<'E' <<-\\F\n${release.name}\nE\n\t${run.x}\n\tF\n":       nil,
		"cat <<< '${release.name}'":                                     nil,
		"echo ${HOME} ${params[0]} ${values[@]} ${env} ${run:-x}":       nil,
		"echo ${operation} $(case x in x) echo '${run.status}';; esac)": nil,
		"echo '": nil, `echo "`: nil, "cat <<E": nil, "$(": nil, "$((": nil, `\`: nil, "${release.": nil,
	} {
		if diff := cmp.Diff(want, expressionsIn(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestExpressionInShell(t *testing.T) {
	const text = head + `tasks:
- {name: a, host: {shell: "echo ${release.name}"}}
- {name: b, pod: {image: i, shell: "echo '${release.name}' ${release}"}}
- name: c
  job:
    image: i
    shell: |
      echo "${params.SIZE}"
`
	_, found := Parse([]byte(text), Options{Source: source, Facts: expression.Facts{}, Lenient: true})
	const hint = ` is not replaced in a script; set env: [{name: VALUE, value: "`
	want := `f:4:27: task "a": ${release.name}` + hint + `${release.name}"}] and write $VALUE` + "\n" +
		`f:9:12: task "c": ${params.SIZE}` + hint + `${params.SIZE}"}] and write $VALUE`
	if diff := cmp.Diff(want, found.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzExpressionsIn(f *testing.F) {
	f.Add("cat <<'E' \"$(echo ${release.name})\" `x`\nE\n")
	f.Fuzz(func(_ *testing.T, text string) { expressionsIn(text) })
}
