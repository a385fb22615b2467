// Package readiness reads rules that say when custom resources are ready.
package readiness
