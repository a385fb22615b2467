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

// validatingDriver is a storage driver that returns only releases that Helm can have stored in the namespace. Everyone with
// write access to its Secrets can change them. Helm does not validate them: its drivers and actions dereference nil
// pointers (helm.sh/helm/v3/pkg/storage/driver/secrets.go, Secrets.Get).
type validatingDriver struct {
	driver.Driver
	namespace string
}

// Get implements driver.Driver.
func (d validatingDriver) Get(key string) (rel *helmrelease.Release, err error) {
	defer recoverDecoding(&err, key)
	if rel, err = d.Driver.Get(key); err != nil {
		return nil, err
	}
	if of := fmt.Sprintf("sh.helm.release.v1.%s.v%d", rel.Name, rel.Version); of != key {
		return nil, fmt.Errorf("%s contains the release of %s", key, of)
	}
	return rel, d.validate(rel)
}

// List implements driver.Driver.
func (d validatingDriver) List(filter func(*helmrelease.Release) bool) (all []*helmrelease.Release, err error) {
	defer recoverDecoding(&err, "the releases")
	var invalid []error
	all, err = d.Driver.List(func(rel *helmrelease.Release) bool {
		if err := d.validate(rel); err != nil {
			invalid = append(invalid, err)
			return false
		}
		return filter(rel)
	})
	return all, errors.Join(append(invalid, err)...)
}

// Query implements driver.Driver.
func (d validatingDriver) Query(labels map[string]string) (all []*helmrelease.Release, err error) {
	defer recoverDecoding(&err, "the releases")
	if all, err = d.Driver.Query(labels); err != nil {
		return nil, err
	}
	for _, rel := range all {
		if err := d.validate(rel); err != nil {
			return nil, err
		}
		if name, asked := labels["name"]; asked && rel.Name != name {
			return nil, fmt.Errorf("a revision of release %q has the name of release %q", name, rel.Name)
		}
		if version, asked := labels["version"]; asked && version != strconv.Itoa(rel.Version) {
			return nil, fmt.Errorf("revision %s of release %q has the number %d", version, rel.Name, rel.Version)
		}
	}
	return all, nil
}

// Delete implements driver.Driver.
func (d validatingDriver) Delete(key string) (rel *helmrelease.Release, err error) {
	defer recoverDecoding(&err, key)
	return d.Driver.Delete(key)
}

// validate returns an error if a release lacks a field that every stored release has, or is of another namespace.
func (d validatingDriver) validate(rel *helmrelease.Release) error {
	invalid := func(what string) error {
		return fmt.Errorf("revision %d of release %q, stored in namespace %q, %s", rel.Version, rel.Name, d.namespace, what)
	}
	switch {
	case rel.Namespace != d.namespace:
		return invalid(fmt.Sprintf("has the namespace %q", rel.Namespace))
	case rel.Info == nil:
		return invalid("has no status")
	case rel.Version < 1:
		return invalid("has no number")
	case slices.Contains(rel.Hooks, nil):
		return invalid("has an empty hook")
	case !isComplete(rel.Chart):
		return invalid("has an incomplete chart")
	}
	return nil
}

// isComplete reports whether a chart has metadata and no nil file, maintainer or dependency.
func isComplete(c *chart.Chart) bool {
	return c != nil && c.Metadata != nil && !slices.Contains(c.Metadata.Dependencies, nil) && !slices.Contains(c.Metadata.Maintainers, nil) &&
		!slices.Contains(c.Templates, nil) && !slices.Contains(c.Files, nil) && !slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return !isComplete(d) })
}

// recoverDecoding turns the panic of a Helm driver that cannot decode a release into an error.
func recoverDecoding(err *error, what string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s cannot be read: Helm's record of it is damaged", what)
	}
}
