package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// apiClient is an HTTP client that is the cluster's administrator.
var apiClient = sync.OnceValues(func() (*http.Client, error) {
	cert, err := tls.LoadX509KeyPair(pki("admin.crt"), pki("admin.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(pki("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool}},
	}, nil
})

// api sends a request and returns the answer's status and body.
func api(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	client, err := apiClient()
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, apiURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

func get(ctx context.Context, path string) ([]byte, error) {
	code, text, err := api(ctx, http.MethodGet, path, nil)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", path, code, text)
	}
	return text, err
}

func apiReady(ctx context.Context) error {
	_, err := get(ctx, "/readyz")
	return err
}

// allowKubeletAPI lets the API server fetch logs and execute commands through the kubelet.
func allowKubeletAPI(ctx context.Context) error {
	code, text, err := api(ctx, http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", fmt.Appendf(nil, `{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
		"metadata": {"name": "devcluster-kubelet-api"},
		"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
		"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": %q}]}`, kubeletAPIGroup))
	if err == nil && code != http.StatusCreated && code != http.StatusConflict {
		err = fmt.Errorf("binding the kubelet's API: %d: %s", code, text)
	}
	return err
}

func nodeReady(ctx context.Context) error {
	text, err := get(ctx, "/api/v1/nodes/"+nodeName)
	if err != nil {
		return err
	}
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(text, &node); err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" {
			if c.Status == "True" {
				return nil
			}
			return errors.New(c.Message)
		}
	}
	return errors.New("the node has no condition Ready yet")
}

func defaultServiceAccount(ctx context.Context) error {
	_, err := get(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
	return err
}

func containerdAnswers(context.Context) error {
	_, err := ctr("version")
	return err
}
