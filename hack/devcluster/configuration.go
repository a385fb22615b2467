package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// writeConfiguration writes the servers' configuration files. They are the same each time, so
// they are written again.
func writeConfiguration() error {
	files := map[string]string{
		"kubelet.yaml":           kubeletConfig(),
		"audit.yaml":             auditPolicy,
		"containerd/config.toml": containerdConfig(),
		"containerd/registry/_default/hosts.toml": "server = \"http://127.0.0.1:1\"\n",
		"containerd/cni/10-devcluster.conflist":   cniConfig(),
	}
	for _, name := range []string{"admin", "kubelet", "kube-controller-manager", "kube-scheduler"} {
		text, err := kubeconfig(name)
		if err != nil {
			return err
		}
		files[name+".kubeconfig"] = text
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(state(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(state(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	// etcd insists on it.
	return os.MkdirAll(state("etcd"), 0o700)
}

// auditPolicy logs the requests of people: those of the cluster's own parts tell nothing.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: [devcluster-admin]}
- {level: None}
`

// kubeconfig returns a kubeconfig that stands alone: the certificates are in it.
func kubeconfig(name string) (string, error) {
	encoded := map[string]string{}
	for _, file := range []string{"ca.crt", name + ".crt", name + ".key"} {
		text, err := os.ReadFile(pki(file))
		if err != nil {
			return "", err
		}
		encoded[file] = base64.StdEncoding.EncodeToString(text)
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: devcluster
clusters:
- name: devcluster
  cluster: {server: %q, certificate-authority-data: %s}
users:
- name: %s
  user: {client-certificate-data: %s, client-key-data: %s}
contexts:
- name: devcluster
  context: {cluster: devcluster, user: %[3]s}
`, apiURL, encoded["ca.crt"], name, encoded[name+".crt"], encoded[name+".key"]), nil
}

func kubeletConfig() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %s}
authorization: {mode: Webhook}
tlsCertFile: %s
tlsPrivateKeyFile: %s
containerRuntimeEndpoint: unix://%s
podLogsDir: %s
volumePluginDir: %s
cgroupDriver: cgroupfs
# Kubelets since 1.35 refuse cgroup v1 otherwise.
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
# The default needs a capability that containers of CI systems lack.
oomScoreAdj: 0
# Leaves no KUBE-* chain behind.
makeIPTablesUtilChains: false
resolvConf: ""
# There is no registry: an image that was collected would be lost.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, nodefs.inodesFree: 1%%, imagefs.available: 1%%}
maxPods: 250
`, pki("ca.crt"), pki("kubelet-server.crt"), pki("kubelet-server.key"), containerdSocket(), state("pod-logs"), state("volume-plugins"))
}

func containerdSocket() string { return state("containerd", "containerd.sock") }

func containerdConfig() string {
	return fmt.Sprintf(`version = 3
root = '%[1]s/root'
state = '%[1]s/state'
[grpc]
  address = '%[1]s/containerd.sock'
[ttrpc]
  address = '%[1]s/containerd.sock.ttrpc'
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.internal.v1.opt']
  path = '%[1]s/opt'
[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = '127.0.0.1'
  stream_server_port = '0'
[plugins.'io.containerd.cri.v1.images']
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '%[2]s'
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = '%[1]s/registry'
[plugins.'io.containerd.cri.v1.runtime']
  # Needed where the machine may not lower the score of a process.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['/usr/lib/cni']
    conf_dir = '%[1]s/cni'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '/usr/sbin/runc'
      Root = '%[1]s/runc'
      SystemdCgroup = false
`, state("containerd"), pauseImage)
}

// cniConfig gives pods an address on the bridge, and a route to the Services' range only: nothing
// that runs in the cluster reaches another machine.
func cniConfig() string {
	return fmt.Sprintf(`{"cniVersion": "1.0.0", "name": "devcluster", "plugins": [
 {"type": "bridge", "bridge": %q, "isGateway": true, "isDefaultGateway": false,
  "ipMasq": false, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": %q,
           "ranges": [[{"subnet": %q, "gateway": %q}]],
           "routes": [{"dst": %q, "gw": %[4]q}]}}]}
`, bridge, state("cni-addresses"), podRange, gateway, serviceIPs)
}
