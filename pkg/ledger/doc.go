// Package ledger keeps, in one Secret for each release, what later runs must know of earlier ones.
package ledger
