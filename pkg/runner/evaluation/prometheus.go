package evaluation

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PrometheusQuery is a query to a Prometheus server.
type PrometheusQuery struct {
	// Server is the address. A Service of the cluster is queried through the API server.
	Server, Query string
	// Token is a bearer token; may be empty.
	Token    string
	Insecure bool
}

// maxAnswer is the maximum size of an answer, in bytes.
const maxAnswer = 1 << 20

// Ask returns the value of an instant query (Prometheus HTTP API, /api/v1/query), which must be
// one number.
func (m Metrics) Ask(ctx context.Context, q PrometheusQuery) (float64, error) {
	server, err := url.Parse(q.Server)
	if err != nil || server.Host == "" {
		return 0, fmt.Errorf("the address %q of the provider is not a URL", q.Server)
	}
	var text []byte
	if service, namespace, port, ok := serviceOf(server); ok {
		text, err = m.throughProxy(ctx, namespace, service, port, server, q)
	} else {
		text, err = ask(ctx, server, q)
	}
	if err != nil {
		return 0, fmt.Errorf("querying %s: %w", q.Server, err)
	}
	return answer(text)
}

// serviceOf parses the name of a Service of the cluster: NAME.NAMESPACE.svc….
func serviceOf(server *url.URL) (service, namespace, port string, ok bool) {
	parts := strings.Split(server.Hostname(), ".")
	if len(parts) < 3 || parts[2] != "svc" {
		return "", "", "", false
	}
	port = server.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[server.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return parts[0], parts[1], port, true
}

func (m Metrics) throughProxy(ctx context.Context, namespace, service, port string, server *url.URL, q PrometheusQuery) ([]byte, error) {
	client, err := m.Client.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().Services(namespace).ProxyGet(server.Scheme, service, port, strings.TrimSuffix(server.Path, "/")+"/api/v1/query", map[string]string{"query": q.Query}).DoRaw(ctx)
}

// askTimeout limits the time of a query.
const askTimeout = 30 * time.Second

func ask(ctx context.Context, server *url.URL, q PrometheusQuery) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	address := server.JoinPath("api/v1/query")
	address.RawQuery = url.Values{"query": {q.Query}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	if q.Token != "" {
		request.Header.Set("Authorization", "Bearer "+q.Token)
	}
	client := &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: q.Insecure, MinVersion: tls.VersionTLS12}, //nolint:gosec // the provider says so
	}}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", response.Status, text)
	}
	return text, err
}

// answer returns the one number of an answer.
func answer(text []byte) (float64, error) {
	var a struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return 0, fmt.Errorf("the answer is not from Prometheus: %w", err)
	}
	if a.Status != "success" {
		return 0, fmt.Errorf("prometheus: %s", a.Error)
	}
	sample := func(pair []any) (float64, error) {
		if len(pair) == 2 {
			if s, ok := pair[1].(string); ok {
				return strconv.ParseFloat(s, 64)
			}
		}
		return 0, errors.New("the answer has no sample")
	}
	if a.Data.ResultType == "scalar" {
		var pair []any
		if err := json.Unmarshal(a.Data.Result, &pair); err != nil {
			return 0, err
		}
		return sample(pair)
	}
	var vector []struct{ Value []any }
	if err := json.Unmarshal(a.Data.Result, &vector); err != nil {
		return 0, err
	}
	switch len(vector) {
	case 0:
		return 0, errors.New("the query has no result")
	case 1:
		return sample(vector[0].Value)
	}
	return 0, fmt.Errorf("the query has %d results; it must have one", len(vector))
}
