package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// debianPackage is a package, with a file that shows it is there.
type debianPackage struct{ name, file string }

// packages are those the cluster runs on.
var packages = []debianPackage{
	{"runc", "/usr/sbin/runc"},
	{"containernetworking-plugins", "/usr/lib/cni/bridge"},
	{"busybox-static", "/bin/busybox"},
	{"iproute2", "/sbin/ip"},
	{"iptables", "/usr/sbin/iptables"},
}

func installPackages() error { return installMissing(packages) }

func installMissing(packages []debianPackage) error {
	var missing []string
	for _, p := range packages {
		if _, err := os.Stat(p.file); err != nil {
			missing = append(missing, p.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this machine lacks %s, and has no apt-get to install them with", strings.Join(missing, ", "))
	}
	say("installing system packages: %s", strings.Join(missing, " "))
	if err := apt("update"); err != nil {
		return err
	}
	return apt(append([]string{"install", "-y", "--no-install-recommends"}, missing...)...)
}

func apt(args ...string) error {
	cmd := exec.Command("apt-get", append([]string{"-q"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out)
	}
	return nil
}
