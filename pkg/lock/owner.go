package lock

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"strings"
)

// Owner is a process that works on a run.
type Owner struct {
	// Name is USER@HOST, and PID the process ID there.
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// URL is the address of its CI job; may be empty.
	URL string `json:"url,omitempty"`
	// Machine identifies the running system and the process namespace of PID, and Started is when the process was started
	// there. Both are empty where the system does not provide them.
	Machine string `json:"machine,omitempty"`
	Started string `json:"born,omitempty"`
}

// Self returns this process. getenv reads its environment.
func Self(getenv func(string) string) Owner {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	pid := os.Getpid()
	started, _ := startTicks(pid)
	return Owner{Name: name + "@" + host, PID: pid, URL: ciURL(getenv), Machine: machine(), Started: started}
}

// ciURL returns the address of the CI job of this process, from the variables of GitHub, GitLab, Jenkins, CircleCI and
// Azure.
func ciURL(getenv func(string) string) string {
	if server, repo, run := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"); run != "" {
		return fmt.Sprintf("%s/%s/actions/runs/%s", cmp.Or(server, "https://github.com"), repo, run)
	}
	if collection, build := getenv("SYSTEM_COLLECTIONURI"), getenv("BUILD_BUILDID"); collection != "" && build != "" {
		return fmt.Sprintf("%s/%s/_build/results?buildId=%s", strings.TrimSuffix(collection, "/"), getenv("SYSTEM_TEAMPROJECT"), build)
	}
	return cmp.Or(getenv("CI_JOB_URL"), getenv("BUILD_URL"), getenv("CIRCLE_BUILD_URL"))
}

// String returns USER@HOST, the process ID and the URL.
func (o Owner) String() string {
	text := fmt.Sprintf("%s (process %d)", o.Name, o.PID)
	if o.URL != "" {
		text += " " + o.URL
	}
	return text
}

// Dead reports whether the process is known to be dead: it ran on this machine, and no longer does. It returns false when
// that cannot be determined.
func (o Owner) Dead() bool {
	if o.Machine == "" || o.Started == "" || o.Machine != machine() {
		return false
	}
	now, known := startTicks(o.PID)
	return known && now != o.Started
}
