package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

const ipForward = "/proc/sys/net/ipv4/ip_forward"

// rules are the iptables rules of the cluster, without -A or -D.
var rules = [][]string{
	// What comes from a pod stays on the bridge.
	{"filter", "FORWARD", "-i", bridge, "!", "-o", bridge, "-j", "DROP"},
	// The address at which programs in pods look for the API server.
	{"nat", "PREROUTING", "-i", bridge, "-d", apiIP + "/32", "-p", "tcp", "--dport", "443", "-j", "DNAT", "--to-destination", apiAddress},
}

// setUpNetwork makes the bridge, the rules around it, and a route that refuses Service addresses
// on the host, which would otherwise leave by the default route: there is no kube-proxy.
func setUpNetwork() error {
	if err := rememberForwarding(); err != nil {
		return err
	}
	if !hasBridge() {
		if err := command("ip", "link", "add", bridge, "type", "bridge"); err != nil {
			return err
		}
	}
	if err := command("ip", "address", "replace", gateway+"/16", "dev", bridge); err != nil {
		return err
	}
	if err := command("ip", "link", "set", bridge, "up"); err != nil {
		return err
	}
	if err := command("ip", "route", "replace", "unreachable", serviceIPs); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+bridge+"/route_localnet", []byte("1"), 0o600); err != nil {
		return err
	}
	for _, r := range rules {
		if iptables("-C", r) == nil {
			continue
		}
		if err := iptables("-A", r); err != nil {
			return err
		}
	}
	return nil
}

// tearDownNetwork undoes setUpNetwork, whatever of it is there.
func tearDownNetwork() error {
	var failed []error
	for _, r := range rules {
		for iptables("-C", r) == nil {
			if err := iptables("-D", r); err != nil {
				failed = append(failed, err)
				break
			}
		}
	}
	if hasRoute() {
		failed = append(failed, command("ip", "route", "del", "unreachable", serviceIPs))
	}
	if hasBridge() {
		failed = append(failed, command("ip", "link", "del", bridge))
	}
	failed = append(failed, restoreForwarding())
	return errors.Join(failed...)
}

func hasBridge() bool {
	_, err := os.Stat("/sys/class/net/" + bridge)
	return err == nil
}

func hasRoute() bool {
	out, err := exec.Command("ip", "route", "show", "type", "unreachable", serviceIPs).Output()
	return err == nil && len(out) > 0
}

// rememberForwarding keeps what ip_forward was: the bridge plugin switches it on.
func rememberForwarding() error {
	if _, err := os.Stat(state("ip_forward")); err == nil {
		return nil
	}
	value, err := os.ReadFile(ipForward)
	if err != nil {
		return err
	}
	return os.WriteFile(state("ip_forward"), value, 0o600)
}

func restoreForwarding() error {
	value, err := os.ReadFile(state("ip_forward"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(ipForward, value, 0o600)
}

func iptables(action string, rule []string) error {
	return command("iptables", append([]string{"-w", "-t", rule[0], action}, rule[1:]...)...)
}

func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
