package release

import (
	"net/http"
	"os"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/client-go/rest"
)

// Settings are Helm's own settings that have nothing to do with the cluster: where it keeps
// repositories, registry credentials and plugins. The connection to the cluster is kubectl's.
type Settings struct {
	env *cli.EnvSettings
	// burst is the limit that Helm has without a word of the user.
	burst int
}

// NewSettings reads the HELM_* environment.
func NewSettings() *Settings {
	env := cli.New()
	return &Settings{env: env, burst: env.BurstLimit}
}

// AddFlags adds Helm's global flags of that kind.
func (s *Settings) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&s.env.Debug, "debug", s.env.Debug, "enable verbose output")
	fs.StringVar(&s.env.RegistryConfig, "registry-config", s.env.RegistryConfig, "path to the registry config file")
	fs.StringVar(&s.env.RepositoryConfig, "repository-config", s.env.RepositoryConfig, "path to the file containing repository names and URLs")
	fs.StringVar(&s.env.RepositoryCache, "repository-cache", s.env.RepositoryCache, "path to the directory containing cached repository indexes")
	fs.IntVar(&s.env.BurstLimit, "burst-limit", s.env.BurstLimit, "client-side default throttling limit")
	fs.Float32Var(&s.env.QPS, "qps", s.env.QPS, "queries per second used when communicating with the Kubernetes API, not including bursting")
}

// Debug reports whether Helm shall say what it does.
func (s *Settings) Debug() bool { return s.env.Debug }

// WrapConfig makes a connection behave as Helm's own: the rate limits that the user gives it, and its repetition
// of requests that failed because the API server's storage was changing its leader. Without limits of the user
// there are none: the server's priority and fairness does the throttling, and Helm's own 100 requests, and 5 a
// second from then on, let large charts wait for nothing.
func (s *Settings) WrapConfig(config *rest.Config) *rest.Config {
	config.Burst, config.QPS = s.env.BurstLimit, s.env.QPS
	if os.Getenv("HELM_BURST_LIMIT") == "" && s.env.BurstLimit == s.burst && s.env.QPS == 0 {
		config.QPS = -1
	}
	if config.UserAgent == "" {
		config.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return &kube.RetryingRoundTripper{Wrapped: rt} })
	return config
}
