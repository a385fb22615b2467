package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

// TestCertificates: the authority signed each certificate, for the names it is used under, and a
// second call leaves them as they are.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	pki := func(name string) string { return filepath.Join(dir, name) }
	if err := writeCertificates(dir); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(pki("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority cannot be read")
	}
	for _, id := range identities {
		pair, err := tls.LoadX509KeyPair(pki(id.file+".crt"), pki(id.file+".key"))
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if cert.Subject.CommonName != id.name {
			t.Errorf("%s: name %q, want %q", id.file, cert.Subject.CommonName, id.name)
		}
		for _, name := range append(id.dns, "") {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
				t.Errorf("%s for %q: %v", id.file, name, err)
			}
		}
		if info, err := os.Stat(pki(id.file + ".key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s.key: mode %v, error %v", id.file, info.Mode(), err)
		}
	}
	if err := writeCertificates(dir); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(pki("ca.crt"))
	if err != nil || string(again) != string(ca) {
		t.Error("a second call made another authority")
	}
}
