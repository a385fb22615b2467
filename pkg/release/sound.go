package release

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// sound is a release storage that hands out only what Helm can have stored in this namespace. Whoever may write
// there can have changed it, and Helm itself does not look: its drivers and actions dereference what is missing
// (helm.sh/helm/v3/pkg/storage/driver/secrets.go, Secrets.Get).
type sound struct {
	driver.Driver
	namespace string
}

// Get implements driver.Driver.
func (s sound) Get(key string) (rel *helmrelease.Release, err error) {
	defer unreadable(&err, key)
	if rel, err = s.Driver.Get(key); err != nil {
		return nil, err
	}
	if of := fmt.Sprintf("sh.helm.release.v1.%s.v%d", rel.Name, rel.Version); of != key {
		return nil, fmt.Errorf("%s says that it is %s", key, of)
	}
	return rel, s.check(rel)
}

// List implements driver.Driver.
func (s sound) List(filter func(*helmrelease.Release) bool) (all []*helmrelease.Release, err error) {
	defer unreadable(&err, "the releases")
	var broken []error
	all, err = s.Driver.List(func(rel *helmrelease.Release) bool {
		if bad := s.check(rel); bad != nil {
			broken = append(broken, bad)
			return false
		}
		return filter(rel)
	})
	return all, errors.Join(append(broken, err)...)
}

// Query implements driver.Driver.
func (s sound) Query(labels map[string]string) (all []*helmrelease.Release, err error) {
	defer unreadable(&err, "the releases")
	if all, err = s.Driver.Query(labels); err != nil {
		return nil, err
	}
	for _, rel := range all {
		if err := s.check(rel); err != nil {
			return nil, err
		}
		if name, asked := labels["name"]; asked && rel.Name != name {
			return nil, fmt.Errorf("a revision of release %q says that it is of release %q", name, rel.Name)
		}
		if version, asked := labels["version"]; asked && version != strconv.Itoa(rel.Version) {
			return nil, fmt.Errorf("revision %s of release %q says that it is revision %d", version, rel.Name, rel.Version)
		}
	}
	return all, nil
}

// Delete implements driver.Driver.
func (s sound) Delete(key string) (rel *helmrelease.Release, err error) {
	defer unreadable(&err, key)
	return s.Driver.Delete(key)
}

// check returns an error when a release lacks what every stored one has, or is of another namespace.
func (s sound) check(rel *helmrelease.Release) error {
	bad := func(what string) error {
		return fmt.Errorf("revision %d of release %q, as it is stored in namespace %q, %s", rel.Version, rel.Name, s.namespace, what)
	}
	switch {
	case rel.Namespace != s.namespace:
		return bad(fmt.Sprintf("is of namespace %q", rel.Namespace))
	case rel.Info == nil:
		return bad("has no status")
	case rel.Version < 1:
		return bad("has no number")
	case slices.Contains(rel.Hooks, nil):
		return bad("has a hook of nothing")
	case !whole(rel.Chart):
		return bad("has no whole chart")
	}
	return nil
}

// whole reports whether a chart has its metadata, and no file or dependency of nothing.
func whole(c *chart.Chart) bool {
	return c != nil && c.Metadata != nil && !slices.Contains(c.Metadata.Dependencies, nil) && !slices.Contains(c.Metadata.Maintainers, nil) &&
		!slices.Contains(c.Templates, nil) && !slices.Contains(c.Files, nil) && !slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return !whole(d) })
}

// unreadable turns Helm's panic over what it cannot decode into an error.
func unreadable(err *error, what string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s cannot be read: Helm's record of it is damaged", what)
	}
}
