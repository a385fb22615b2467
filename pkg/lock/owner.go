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
	// Name is USER@HOST, and PID the process there.
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// URL is where its CI job can be seen; may be empty.
	URL string `json:"url,omitempty"`
	// Machine tells the running system and process namespace that PID belongs to, and Born when the
	// process was started there; empty where the system does not tell.
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

// ciURL is where the job that this process belongs to can be seen, as GitHub, GitLab, Jenkins, CircleCI
// and Azure tell it.
func ciURL(getenv func(string) string) string {
	if server, repo, run := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"); run != "" {
		return fmt.Sprintf("%s/%s/actions/runs/%s", cmp.Or(server, "https://github.com"), repo, run)
	}
	if collection, build := getenv("SYSTEM_COLLECTIONURI"), getenv("BUILD_BUILDID"); collection != "" && build != "" {
		return fmt.Sprintf("%s/%s/_build/results?buildId=%s", strings.TrimSuffix(collection, "/"), getenv("SYSTEM_TEAMPROJECT"), build)
	}
	return cmp.Or(getenv("CI_JOB_URL"), getenv("BUILD_URL"), getenv("CIRCLE_BUILD_URL"))
}

// String returns USER@HOST, the process and the URL.
func (o Owner) String() string {
	text := fmt.Sprintf("%s (process %d)", o.Name, o.PID)
	if o.URL != "" {
		text += " " + o.URL
	}
	return text
}

// Dead reports whether the process is known to be no more: it was on this machine, and is not there.
// What cannot be found out is no.
func (o Owner) Dead() bool {
	if o.Machine == "" || o.Started == "" || o.Machine != machine() {
		return false
	}
	now, known := startTicks(o.PID)
	return known && now != o.Started
}
