// Command devcluster runs a real Kubernetes of one node on this machine, for the demo and the tests: etcd, API server, controller manager, scheduler, kubelet and containerd, all on the loopback interface.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
)

const usage = `usage: devcluster up [--kubeconfig FILE] | images | kill COMPONENT | freeze COMPONENT DURATION | down | status | logs COMPONENT`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "where to write the kubeconfig")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if err := supported(); err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return locked(func() error { return up(*kubeconfig) })
	case "images":
		return locked(importRunners)
	case "kill":
		return locked(func() error { return killServer(flags.Arg(0)) })
	case "freeze":
		return locked(func() error { return freezeServer(flags.Arg(0), flags.Arg(1)) })
	case "down":
		return locked(down)
	case "status":
		return status()
	case "logs":
		return logs(flags.Arg(0))
	}
	return errors.New(usage)
}

// supported refuses machines on which the cluster cannot run, and says what to do instead.
func supported() error {
	const instead = "point KUBECONFIG at any other cluster instead, such as one of kind or k3d: make demo KUBECONFIG=$HOME/.kube/config"
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the development cluster needs Linux, and this is %s; %s", runtime.GOOS, instead)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the development cluster needs root, for containers and a network bridge; %s", instead)
	}
	return nil
}
