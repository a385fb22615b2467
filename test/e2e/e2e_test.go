//go:build e2e

// Package e2e tests the program on a real cluster: the one of KUBECONFIG, which can run the image
// busybox:test. HELM3 and HELM4 are the paths of the real helm, to compare with.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	kubectl "k8s.io/kubectl/pkg/cmd"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

// testImage has a real shell with the usual programs; no registry is asked for it.
const testImage = "busybox:test"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-tasks": func() { os.Exit(plugin.Main()) },
		"kubectl": func() {
			if kubectl.NewDefaultKubectlCommand().Execute() != nil {
				os.Exit(1)
			}
		},
		// Forwarders to the real helm, under the names that scripts use.
		"helm":  func() { forward("HELM3") },
		"helm3": func() { forward("HELM3") },
		"helm4": func() { forward("HELM4") },
	})
}

func forward(variable string) {
	cmd := exec.Command(os.Getenv(variable), os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// required returns variables of the environment, or fails with what to do.
func required(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run these tests with 'make e2e'", name)
	}
	return value
}

// rootDir is the checkout. It is taken before any test changes directory.
var rootDir = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// client returns a client for the cluster.
func client(t *testing.T) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", required(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// namespace makes a namespace for a test, and removes it when the test ends.
func namespace(t *testing.T, c kubernetes.Interface, name string) string {
	t.Helper()
	made, err := c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-" + name + "-"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		now := int64(0)
		_ = c.CoreV1().Namespaces().Delete(ctx, made.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	})
	return made.Name
}

// kubeconfigFor writes the cluster's kubeconfig with another namespace and returns its path.
func kubeconfigFor(t *testing.T, dir, namespace string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(required(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[config.CurrentContext].Namespace = namespace
	path := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScripts runs each script of testdata in a namespace of its own, $NS, which is the default of
// $KUBECONFIG.
func TestScripts(t *testing.T) { scripts(t, "testdata") }

// TestAlone runs the scripts that change the cluster for others; nothing runs in parallel.
func TestAlone(t *testing.T) { scripts(t, "testdata/alone") }

func scripts(t *testing.T, dir string) {
	t.Helper()
	cluster := client(t)
	helm3, helm4 := required(t, "HELM3"), required(t, "HELM4")
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			test := env.T().(interface{ Name() string })
			name := filepath.Base(test.Name())
			ns := namespace(t, cluster, name)
			env.Setenv("NS", ns)
			env.Setenv("GORACE", script.Race)
			env.Setenv("ROOT", rootDir)
			env.Setenv("IMAGE", testImage)
			env.Setenv("KUBECONFIG", kubeconfigFor(t, env.WorkDir, ns))
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			env.Setenv("HELM3", helm3)
			env.Setenv("HELM4", helm4)
			if err := os.MkdirAll(filepath.Join(env.WorkDir, "tmp"), 0o755); err != nil {
				return err
			}
			return pluginDir(filepath.Join(env.WorkDir, "plugin"))
		},
		Cmds: script.Commands,
	})
}

// pluginDir makes the directory of the Helm plugin as a release archive has it, with a script in
// the binary's place that calls the one under test.
func pluginDir(dir string) error {
	manifest, err := os.ReadFile(filepath.Join(rootDir, "plugin.yaml"))
	if err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join(rootDir, "hack/helm-plugin.sh"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"plugin.yaml":         string(manifest),
		"hack/helm-plugin.sh": string(script),
		"bin/kubectl-tasks":   "#!/bin/sh\nexec kubectl-tasks \"$@\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}
