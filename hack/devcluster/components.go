package main

import "fmt"

// component is one of the cluster's servers.
type component struct {
	name string
	// binary is the file in the cache that it is run from.
	binary string
	args   func() []string
}

// components are the servers in the order in which they start.
var components = []component{
	{"etcd", "kubernetes", etcdArgs},
	{"containerd", "containerd", containerdArgs},
	{"kube-apiserver", "kubernetes", apiserverArgs},
	{"kube-controller-manager", "kubernetes", controllerManagerArgs},
	{"kube-scheduler", "kubernetes", schedulerArgs},
	{"kubelet", "kubernetes", kubeletArgs},
}

func componentByName(name string) (component, error) {
	for _, c := range components {
		if c.name == name {
			return c, nil
		}
	}
	return component{}, fmt.Errorf("no component is called %q", name)
}

func etcdArgs() []string {
	return []string{
		"--data-dir=" + state("etcd"),
		"--listen-client-urls=http://127.0.0.1:2379",
		"--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380",
		"--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=default=http://127.0.0.1:2380",
		"--log-level=warn",
		// The data need not outlive the machine.
		"--unsafe-no-fsync",
	}
}

func containerdArgs() []string {
	return []string{"--config", state("containerd", "config.toml")}
}

func apiserverArgs() []string {
	return []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		// A loopback address is refused as an endpoint of the Service "kubernetes".
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceIPs,
		"--allow-privileged=true",
		// How many requests a client makes is read from it.
		"--audit-policy-file=" + state("audit.yaml"), "--audit-log-path=" + state("logs", "audit.log"),
		"--audit-log-maxsize=50", "--audit-log-maxbackup=1",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki("sa.pub"),
		"--service-account-signing-key-file=" + pki("sa.key"),
		// The node's only usable address is its host name: the kubelet refuses loopback IPs.
		"--kubelet-preferred-address-types=Hostname",
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet.key"),
		"--requestheader-client-ca-file=" + pki("ca.crt"),
		"--requestheader-allowed-names=front-proxy",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + pki("front-proxy.crt"),
		"--proxy-client-key-file=" + pki("front-proxy.key"),
	}
}

func controllerManagerArgs() []string {
	return append(kubeconfigArgs("kube-controller-manager"),
		"--root-ca-file="+pki("ca.crt"),
		"--service-account-private-key-file="+pki("sa.key"),
		"--use-service-account-credentials=true",
		"--flex-volume-plugin-dir="+state("flex"),
		// With the defaults it throttles itself when it starts.
		"--kube-api-qps=200", "--kube-api-burst=400",
	)
}

func schedulerArgs() []string { return kubeconfigArgs("kube-scheduler") }

func kubeconfigArgs(name string) []string {
	config := state(name + ".kubeconfig")
	return []string{
		"--kubeconfig=" + config,
		"--authentication-kubeconfig=" + config,
		"--authorization-kubeconfig=" + config,
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--cert-dir=" + state(name),
	}
}

func kubeletArgs() []string {
	return []string{
		"--config=" + state("kubelet.yaml"),
		"--kubeconfig=" + state("kubelet.kubeconfig"),
		"--root-dir=" + state("kubelet"),
		"--cert-dir=" + state("kubelet", "pki"),
		"--hostname-override=" + nodeName,
		"--node-ip=" + gateway,
	}
}
