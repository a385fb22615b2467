package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// up brings the cluster up, or what is missing of it, and writes the kubeconfig.
func up(kubeconfig string) error {
	if err := installPackages(); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	if outdated() {
		say("the running cluster is of another version")
		if err := down(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := start(ctx); err != nil {
		return err
	}
	if kubeconfig == "" {
		kubeconfig = state("admin.kubeconfig")
	} else if err := copyKubeconfig(kubeconfig); err != nil {
		return err
	}
	say("cluster ready: export KUBECONFIG=%s", kubeconfig)
	return nil
}

// start brings the parts up in the order in which they need one another. Each stage leaves alone
// what is already there, so that it also repairs a cluster that was killed half way.
func start(ctx context.Context) error {
	if err := os.MkdirAll(state("logs"), 0o700); err != nil {
		return err
	}
	if err := writeCertificates(pki("")); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if err := writeConfiguration(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := setUpNetwork(); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	fresh := false
	for _, name := range []string{"etcd", "containerd", "kube-apiserver"} {
		started, err := startServer(name)
		if err != nil {
			return err
		}
		fresh = fresh || started
	}
	if err := await(ctx, "containerd", containerdAnswers); err != nil {
		return err
	}
	if err := importImage(pause); err != nil {
		return err
	}
	if err := await(ctx, "kube-apiserver", apiReady); err != nil {
		return err
	}
	if err := allowKubeletAPI(ctx); err != nil {
		return err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kubelet"} {
		if _, err := startServer(name); err != nil {
			return err
		}
	}
	for _, i := range testImages() {
		if err := importImage(i); err != nil {
			return err
		}
	}
	if err := await(ctx, "kubelet", nodeReady); err != nil {
		return err
	}
	if err := await(ctx, "kube-controller-manager", defaultServiceAccount); err != nil {
		return err
	}
	if fresh {
		say("Kubernetes %s is up", kubernetesVersion)
	}
	return nil
}

// await calls ready until it is, the component has ended or ctx is over; then it shows the end
// of the component's log.
func await(ctx context.Context, component string, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		switch {
		case ctx.Err() != nil:
		case len(running(component)) == 0:
			err = errors.New("it has ended")
		default:
			time.Sleep(100 * time.Millisecond)
			continue
		}
		return fmt.Errorf("%s did not come up: %w\n%s", component, err, tail(component, 30))
	}
}

func copyKubeconfig(path string) error {
	text, err := os.ReadFile(state("admin.kubeconfig"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

var began = time.Now()

// say writes a line of progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "[%5.1fs] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
}
