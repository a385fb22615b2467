package kube

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Client is the connection of a run: all requests of this program except Helm's use its configuration. It is safe for
// concurrent use, and connects at the first request.
type Client struct {
	flags *genericclioptions.ConfigFlags

	config  func() (*rest.Config, error)
	typed   func() (kubernetes.Interface, error)
	dynamic func() (dynamic.Interface, error)
	// mapper maps the kinds that the cluster has.
	mapper meta.RESTMapper
}

// NewClient returns a client for the cluster that kubectl's connection flags select. It reads no file and sends no
// request.
func NewClient(flags *genericclioptions.ConfigFlags) *Client {
	config := sync.OnceValues(func() (*rest.Config, error) {
		config, err := flags.ToRESTConfig()
		if err != nil {
			return nil, fmt.Errorf("reading the kubeconfig: %w", err)
		}
		config = rest.CopyConfig(config)
		// The server throttles requests with priority and fairness. Throttling on the client too would only delay
		// watches.
		config.QPS, config.Burst = -1, 0
		return config, nil
	})
	return &Client{
		flags:  flags,
		config: config,
		mapper: newMapper(flags.ToDiscoveryClient),
		typed: sync.OnceValues(func() (kubernetes.Interface, error) {
			c, err := config()
			if err != nil {
				return nil, err
			}
			return kubernetes.NewForConfig(c)
		}),
		dynamic: sync.OnceValues(func() (dynamic.Interface, error) {
			c, err := config()
			if err != nil {
				return nil, err
			}
			return dynamic.NewForConfig(c)
		}),
	}
}

// RESTConfig returns the connection's configuration, which callers must not change. The error is that of the
// kubeconfig.
func (c *Client) RESTConfig() (*rest.Config, error) { return c.config() }

// Interface returns the typed client. The error is that of the kubeconfig.
func (c *Client) Interface() (kubernetes.Interface, error) { return c.typed() }

// Dynamic returns the client for objects of any kind. The error is that of the kubeconfig.
func (c *Client) Dynamic() (dynamic.Interface, error) { return c.dynamic() }
