package release

import (
	"net/http"
	"os"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/client-go/rest"
)

// Settings are Helm's settings except for the connection to the cluster, which is kubectl's: the files of
// repositories and registry credentials, rate limits, and debug output.
type Settings struct {
	env *cli.EnvSettings
	// defaultBurst is the burst limit of the environment, or Helm's default.
	defaultBurst int
}

// NewSettings returns the settings of the HELM_* environment variables.
func NewSettings() *Settings {
	env := cli.New()
	return &Settings{env: env, defaultBurst: env.BurstLimit}
}

// AddFlags adds Helm's global flags for these settings.
func (s *Settings) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&s.env.Debug, "debug", s.env.Debug, "enable verbose output")
	fs.StringVar(&s.env.RegistryConfig, "registry-config", s.env.RegistryConfig, "path to the registry config file")
	fs.StringVar(&s.env.RepositoryConfig, "repository-config", s.env.RepositoryConfig, "path to the file containing repository names and URLs")
	fs.StringVar(&s.env.RepositoryCache, "repository-cache", s.env.RepositoryCache, "path to the directory containing cached repository indexes")
	fs.IntVar(&s.env.BurstLimit, "burst-limit", s.env.BurstLimit, "client-side default throttling limit")
	fs.Float32Var(&s.env.QPS, "qps", s.env.QPS, "queries per second used when communicating with the Kubernetes API, not including bursting")
}

// Debug reports whether debug output is enabled.
func (s *Settings) Debug() bool { return s.env.Debug }

// WrapConfig gives a connection the user's rate limits, a default user agent, and Helm's retries of requests that fail
// while etcd elects a leader. If the user sets no limits, there are none: the server's priority and fairness
// throttles requests, and Helm's default of 100 requests, and then 5 per second, would delay large charts without need.
func (s *Settings) WrapConfig(config *rest.Config) *rest.Config {
	config.Burst, config.QPS = s.env.BurstLimit, s.env.QPS
	if os.Getenv("HELM_BURST_LIMIT") == "" && s.env.BurstLimit == s.defaultBurst && s.env.QPS == 0 {
		config.QPS = -1
	}
	if config.UserAgent == "" {
		config.UserAgent = rest.DefaultKubernetesUserAgent()
	}
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return &kube.RetryingRoundTripper{Wrapped: rt} })
	return config
}
