package evaluation

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAskPrometheus(t *testing.T) {
	tests := []struct {
		name, answer string
		status       int
		want         float64
		err          string
	}{
		{name: "one sample", answer: `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"4.5"]}]}}`, want: 4.5},
		{name: "a scalar", answer: `{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}`, want: 7},
		{name: "nothing", answer: `{"status":"success","data":{"resultType":"vector","result":[]}}`, err: "the query has no result"},
		{name: "several", answer: `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}`, err: "the query has 2 results; it must have one"},
		{name: "refused", status: http.StatusBadRequest, answer: `{"status":"error","error":"bad query"}`, err: "400 Bad Request"},
		{name: "an error", answer: `{"status":"error","error":"bad query"}`, err: "prometheus: bad query"},
		{name: "no answer", answer: `<html>`, err: "the answer is not from Prometheus"},
		{name: "no sample", answer: `{"status":"success","data":{"resultType":"scalar","result":[1]}}`, err: "the answer has no sample"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/base/api/v1/query" || r.FormValue("query") != "up" || r.Header.Get("Authorization") != "Bearer token" {
					t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
				}
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				_, _ = w.Write([]byte(tt.answer))
			}))
			defer server.Close()
			got, err := Metrics{}.Ask(t.Context(), PrometheusQuery{Server: server.URL + "/base", Query: "up", Token: "token"})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || got != tt.want {
				t.Errorf("%v, error %v; want %v, %s", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestServiceOf(t *testing.T) {
	for address, want := range map[string]string{
		"http://p.ns.svc.cluster.local:9090/x": "p ns 9090", "http://p.ns.svc": "p ns 80", "https://p.ns.svc": "p ns 443", "http://p.example.com": "", "http://127.0.0.1:9090": "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if service, namespace, port, ok := serviceOf(u); ok {
			got = service + " " + namespace + " " + port
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
