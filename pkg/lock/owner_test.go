package lock

import "testing"

// TestOwnerDead: this process is alive; one that was never started is dead; one of another machine is not known.
func TestOwnerDead(t *testing.T) {
	self := Self(func(string) string { return "" })
	if self.Dead() {
		t.Error("this process is dead")
	}
	if self.Machine == "" {
		t.Skip("this system does not tell which processes live")
	}
	gone := self
	gone.Started = "0"
	elsewhere := gone
	elsewhere.Machine = "another"
	if !gone.Dead() || elsewhere.Dead() {
		t.Errorf("dead: %v, and of another machine %v", gone.Dead(), elsewhere.Dead())
	}
}

func TestCIURL(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"":                                       {},
		"https://github.com/a/b/actions/runs/1":  {"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "1"},
		"https://ghe/a/b/actions/runs/1":         {"GITHUB_SERVER_URL": "https://ghe", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "1"},
		"https://gitlab/job/1":                   {"CI_JOB_URL": "https://gitlab/job/1"},
		"https://jenkins/1":                      {"BUILD_URL": "https://jenkins/1"},
		"https://dev/p/_build/results?buildId=1": {"SYSTEM_COLLECTIONURI": "https://dev/", "SYSTEM_TEAMPROJECT": "p", "BUILD_BUILDID": "1"},
	} {
		if got := ciURL(func(name string) string { return env[name] }); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
