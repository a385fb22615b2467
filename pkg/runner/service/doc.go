// Package service runs Lagoon's rollout tasks: a program in a running pod of one of its services, which it scales up when needed.
package service
