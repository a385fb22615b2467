package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pki returns the path of a certificate or key.
func pki(name string) string { return state("pki", name) }

// identity is a certificate that the cluster's authority signs.
type identity struct {
	file   string
	name   string
	groups []string
	dns    []string
	ips    []net.IP
}

// kubeletAPIGroup is the group as which the API server calls the kubelet.
const kubeletAPIGroup = "devcluster:kubelet-api"

var identities = []identity{
	{
		file: "apiserver", name: "kube-apiserver",
		dns: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		ips: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.ParseIP(apiIP)},
	},
	{file: "apiserver-kubelet", name: "kube-apiserver-kubelet-client", groups: []string{kubeletAPIGroup}},
	{file: "front-proxy", name: "front-proxy"},
	{file: "kubelet-server", name: nodeName, dns: []string{nodeName}, ips: []net.IP{net.IPv4(127, 0, 0, 1)}},
	{file: "kubelet", name: "system:node:" + nodeName, groups: []string{"system:nodes"}},
	{file: "kube-controller-manager", name: "system:kube-controller-manager"},
	{file: "kube-scheduler", name: "system:kube-scheduler"},
	{file: "admin", name: "devcluster-admin", groups: []string{"system:masters"}},
}

// certificatesDone is written last: without it, all are created again.
const certificatesDone = "done"

// writeCertificates makes the authority, a certificate for each identity and the key pair of the
// service accounts in dir, unless they are there.
func writeCertificates(dir string) error {
	path := func(name string) string { return filepath.Join(dir, name) }
	if _, err := os.Stat(path(certificatesDone)); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := template("devcluster", nil)
	ca.IsCA, ca.BasicConstraintsValid = true, true
	ca.KeyUsage |= x509.KeyUsageCertSign
	if err := writeCertificate(path("ca"), ca, ca, caKey, caKey); err != nil {
		return err
	}
	for _, id := range identities {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		cert := template(id.name, id.groups)
		cert.DNSNames, cert.IPAddresses = id.dns, id.ips
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		if err := writeCertificate(path(id.file), cert, ca, key, caKey); err != nil {
			return err
		}
	}
	if err := writeServiceAccountKey(dir); err != nil {
		return err
	}
	return os.WriteFile(path(certificatesDone), nil, 0o600)
}

func template(name string, groups []string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: groups},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func writeCertificate(path string, cert, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(path+".key", "PRIVATE KEY", keyDER); err != nil {
		return err
	}
	return writePEM(path+".crt", "CERTIFICATE", der)
}

// writeServiceAccountKey makes the pair that signs and checks the tokens of service accounts.
func writeServiceAccountKey(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "sa.key"), "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
