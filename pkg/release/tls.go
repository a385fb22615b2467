package release

import (
	"crypto/tls"
	"fmt"

	"k8s.io/client-go/transport"
)

// clientTLS returns the TLS settings for chart downloads; certificate, key and CA bundle are optional.
func clientTLS(certFile, keyFile, caFile string, insecure bool) (*tls.Config, error) {
	if certFile == "" || keyFile == "" {
		certFile, keyFile = "", ""
	}
	config, err := transport.TLSConfigFor(&transport.Config{TLS: transport.TLSConfig{
		CertFile: certFile,
		KeyFile:  keyFile,
		CAFile:   caFile,
		Insecure: insecure,
	}})
	if err != nil {
		return nil, fmt.Errorf("TLS settings for the chart download: %w", err)
	}
	return config, nil
}
