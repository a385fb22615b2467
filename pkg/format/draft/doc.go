// Package draft reads the task file of Draft (Azure/draft-classic, DEP-8), .draft-tasks.toml.
package draft
