// Package lock keeps runs of a release apart with a Lease, which its holder renews for as long as it works.
package lock
