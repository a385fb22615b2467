// Command bench measures the program next to helm 3, helm 4, kubectl and a program of 30 lines, in turn, on one
// cluster, and prints one table with ratios: figures of different runs on a busy machine say nothing about each
// other. It fails when a goal is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is what the rows of the table need.
type bench struct {
	ours, helm3, helm4, kubectl, kwok, baseline string

	// audit is the log of the API server's requests.
	audit string
	// quick measures less, for a first look.
	quick bool
	dir   string
	table *table
}

// rounds returns how often something is measured.
func (b *bench) rounds(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

// floor returns the floor of a row. The quick look measures only once or twice, and chance, such as when the kubelet
// looks at its containers, decides more then.
func (b *bench) floor(full, quick float64) float64 {
	if b.quick {
		return quick
	}
	return full
}

func main() {
	b := &bench{}
	flag.StringVar(&b.ours, "ours", "bin/kubectl-tasks", "the program that is measured")
	flag.StringVar(&b.helm3, "helm3", "helm", "helm 3")
	flag.StringVar(&b.helm4, "helm4", "helm4", "helm 4")
	flag.StringVar(&b.kubectl, "kubectl", "kubectl", "kubectl")
	flag.StringVar(&b.kwok, "kwok", "kwok", "kwok, which simulates nodes")
	flag.StringVar(&b.baseline, "baseline", "baseline", "the program that a pod task is measured against")
	flag.StringVar(&b.audit, "audit", "", "the audit log of the API server")
	flag.BoolVar(&b.quick, "quick", false, "measure less")
	only := flag.String("only", "", "the groups of rows to measure, separated by commas; all without it")
	json := flag.String("json", "", "write the results to this file")
	markdown := flag.String("markdown", "", "write the table to this file, for a document")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := b.run(ctx, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' }), *json, *markdown)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// groups are the parts of the benchmark, in the order in which they run.
func (b *bench) groups() []group {
	return []group{
		{"start", b.start},
		{"release", b.release},
		{"hooks", b.hooks},
		{"pods", b.pods},
		{"exec", b.exec},
		{"graph", b.graph},
		{"logs", b.logs},
		{"scale", b.scale},
	}
}

type group struct {
	name    string
	measure func(context.Context) error
}

func (b *bench) run(ctx context.Context, only []string, json, markdown string) (err error) {
	for _, program := range []*string{&b.ours, &b.helm3, &b.helm4, &b.kubectl, &b.kwok, &b.baseline} {
		if *program, err = filepath.Abs(*program); err != nil {
			return err
		}
	}
	if b.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	b.table = &table{}
	var errs []error
	for _, g := range b.groups() {
		if len(only) > 0 && !slices.Contains(only, g.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", g.name)
		began := time.Now()
		if err := g.measure(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.name, err))
		}
		fmt.Fprintf(os.Stderr, "  %s\n", time.Since(began).Round(time.Second))
		if ctx.Err() != nil {
			break
		}
	}
	b.table.write(os.Stdout)
	if json != "" {
		errs = append(errs, b.table.writeJSON(json))
	}
	if markdown != "" {
		errs = append(errs, b.table.writeMarkdown(markdown))
	}
	return errors.Join(append(errs, b.table.missed())...)
}
