// Package lock keeps runs of a release apart with a Lease, which its holder renews while it works.
package lock
