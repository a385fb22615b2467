# Everything a person or CI calls. Each target installs what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: build demo demo-tasks test test-faults differential hostile soak lint vuln unit e2e fmt golden fuzz bench bench-quick dist cluster images cluster-down tools packages clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo v0.0.0-dev)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
PLUGIN  := github.com/kubectl-tasks/kubectl-tasks/pkg/plugin
LDFLAGS := -s -w -X $(PLUGIN).version=$(VERSION) -X $(PLUGIN).commit=$(COMMIT) -X $(PLUGIN).date=$(DATE)
GOBUILD := CGO_ENABLED=0 go build -trimpath

# Binaries that take long to build are kept outside the checkout, by version.
CACHE    := $(or $(KUBECTL_TASKS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubectl-tasks)
TOOLS    := $(CACHE)/tools
LINTER   := $(TOOLS)/golangci-lint-v2.15.0/golangci-lint
VULN     := $(TOOLS)/govulncheck-v1.8.0/govulncheck
RUNNER   := $(TOOLS)/gotestsum-v1.13.0/gotestsum
HELM3    := $(TOOLS)/helm3-v3.22.0/helm
HELM4    := $(TOOLS)/helm4-v4.3.1/helm
KWOK     := $(TOOLS)/kwok-v0.8.0/kwok
KUBECTL  := $(TOOLS)/kubectl-v1.36.3/kubectl

# make demo KUBECONFIG=… and make e2e KUBECONFIG=… use that cluster. A KUBECONFIG of the
# environment is not taken: the tests would run in whatever cluster it happens to name.
ifeq ($(origin KUBECONFIG),command line)
  CLUSTER_TARGET :=
  AUDIT          :=
  IMAGES_TARGET  :=
  DEMO_IMAGE     ?= busybox:1.37
else
  override KUBECONFIG := $(CURDIR)/.devcluster/kubeconfig
  CLUSTER_TARGET := cluster
  AUDIT          := /var/lib/kubectl-tasks-devcluster/logs/audit.log
  IMAGES_TARGET  := images
  DEMO_IMAGE     ?= busybox:test
endif
export KUBECONFIG

# How the tests kill parts of the development cluster; empty for another one.
export DEVCLUSTER := $(if $(CLUSTER_TARGET),$(CURDIR)/hack/devcluster)

## build: the binary for this machine, bin/kubectl-tasks
build: | packages
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/kubectl-tasks ./cmd/kubectl-tasks

## demo: a chart with Draft tasks around it, on a real cluster
demo: build $(CLUSTER_TARGET)
	hack/demo.sh $(DEMO_IMAGE)

## demo-tasks: what tasks.yaml can do, on a real cluster
demo-tasks: build $(CLUSTER_TARGET) $(HELM3) $(HELM4)
	hack/demo-tasks.sh $(DEMO_IMAGE) $(HELM3) $(HELM4)

## test: everything: lint, vuln, unit, fuzz seeds, command line, and the tests on a real cluster
test: packages lint vuln $(CLUSTER_TARGET) $(IMAGES_TARGET) $(RUNNER) $(HELM3) $(HELM4)
	hack/test.sh $(RUNNER) $(HELM3) $(HELM4)

## lint: static checks of all modules
lint: $(LINTER)
	$(LINTER) run ./...
	cd hack/devcluster && go vet . && GOOS=darwin go vet . && test -z "$$(gofmt -l .)"
	go mod tidy -diff

## vuln: known vulnerabilities in what the program calls, where their database can be reached
vuln: $(VULN)
	hack/vuln.sh $(VULN)

## unit: the tests that need no cluster
unit: packages
	go test -race ./...
	cd hack/devcluster && go test -race .

## e2e: the tests on a real cluster
e2e: packages $(CLUSTER_TARGET) $(IMAGES_TARGET) $(HELM3) $(HELM4)
	HELM3=$(HELM3) HELM4=$(HELM4) go test -race -tags e2e -count=1 ./test/e2e/...

## test-faults: breaks what runs depend on; prints what happened, the exit code and what was left
FAULTS ?= Faults|TestRestarts|TestCrash|TestRandomKills|TestLock
test-faults: packages $(CLUSTER_TARGET) $(IMAGES_TARGET) $(HELM3) $(HELM4)
	table=$$(mktemp); status=0; \
	HELM3=$(HELM3) HELM4=$(HELM4) FAULTS_TABLE=$$table go test -race -tags e2e -count=$(or $(ROUNDS),1) -timeout 8h \
	  -run '$(FAULTS)' ./test/e2e/... || status=$$?; \
	cat $$table; rm -f $$table; exit $$status

## differential: SEQUENCES random sequences of commands through helm 3 and through us, compared after each step; SEED is the first
SEQUENCES ?= 1000
SEED      ?= $(shell date +%y%m%d%H%M)
differential: packages $(CLUSTER_TARGET) $(HELM3)
	HELM3=$(HELM3) DIFFERENTIAL_SEED=$(SEED) DIFFERENTIAL_SEQUENCES=$(SEQUENCES) DIFFERENTIAL_WORKERS=$(or $(WORKERS),4) \
	  CGO_ENABLED=0 go test -tags e2e -count=1 -timeout 4h -v -run 'TestDifferential$$' ./test/e2e/

## hostile: every field of every stored object, changed to everything that a hostile writer could, with every command; takes hours
hostile: packages $(CLUSTER_TARGET) $(IMAGES_TARGET) $(HELM3) $(HELM4)
	HOSTILE=all HELM3=$(HELM3) HELM4=$(HELM4) go test -race -tags e2e -count=1 -timeout 12h -v -run TestHostileWriter ./test/e2e

## soak: a million simulated runs, every crash point, a thousand kills, and 20 rounds of all faults; many hours
soak:
	SOAK=1 go test -timeout 8h -run TestSimulation ./pkg/engine
	SOAK=1 $(MAKE) test-faults FAULTS='TestCrash|TestRandomKills'
	$(MAKE) test-faults FAULTS='Faults|TestRestarts|TestLock' ROUNDS=20

## fmt: format the code
fmt: $(LINTER)
	$(LINTER) fmt ./...

## golden: write the golden files anew
golden:
	go test ./pkg/format/native ./pkg/format/keptn -update

## fuzz: each fuzz target for FUZZTIME
FUZZTIME ?= 10m
fuzz:
	@for file in $$(grep -rl '^func Fuzz' --include=*_test.go pkg); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' $$file); do \
	    go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) || exit 1; \
	  done; \
	done

## bench: the program beside helm 3, helm 4 and kubectl, on the development cluster; fails when a goal is missed
bench: build $(CLUSTER_TARGET) $(HELM3) $(HELM4) $(KWOK) $(KUBECTL)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ ./hack/bench/...
	bin/bench --ours bin/kubectl-tasks --helm3 $(HELM3) --helm4 $(HELM4) --kwok $(KWOK) --kubectl $(KUBECTL) --baseline bin/baseline \
	  --audit '$(AUDIT)' $(BENCH)

## bench-quick: the same with less of each, under 3 minutes
bench-quick:
	$(MAKE) bench BENCH='--quick $(BENCH)'

## dist: release archives of all platforms, dist/
dist: packages
	VERSION='$(VERSION)' LDFLAGS='$(LDFLAGS)' hack/dist.sh

## cluster: a Kubernetes of one node on this machine; root and Linux only
cluster: packages
	cd hack/devcluster && CGO_ENABLED=0 go run -trimpath . up --kubeconfig $(CURDIR)/.devcluster/kubeconfig

## images: the images that run Keptn's scripts, in the development cluster
images: cluster
	cd hack/devcluster && CGO_ENABLED=0 go run -trimpath . images

## cluster-down: the end of it, without a trace
cluster-down:
	cd hack/devcluster && CGO_ENABLED=0 go run -trimpath . down
	rm -rf .devcluster

## tools: what lint and test use
tools: $(LINTER) $(VULN) $(RUNNER) $(HELM3) $(HELM4)

packages:
	@hack/packages.sh

clean:
	rm -rf bin dist

# A tool is built beside its place and moved there, so that half a tool is never found.
define install
	@echo "installing $(notdir $(@D))"
	@mkdir -p $(TOOLS)
	@work=$$(mktemp -d $(TOOLS)/building-XXXXXX) && $(1) && rm -rf $(@D) && mv $$work $(@D)
endef

$(LINTER): | packages
	$(call install,GOBIN=$$work CGO_ENABLED=0 go install -trimpath github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0)
$(VULN): | packages
	$(call install,GOBIN=$$work CGO_ENABLED=0 go install -trimpath golang.org/x/vuln/cmd/govulncheck@v1.8.0)
$(RUNNER): | packages
	$(call install,GOBIN=$$work CGO_ENABLED=0 go install -trimpath gotest.tools/gotestsum@v1.13.0)
# Helm 3 is a tool of this module, built from the very version that the code uses.
$(HELM3): | packages
	$(call install,$(GOBUILD) -ldflags '-s -w' -o $$work/helm helm.sh/helm/v3/cmd/helm)
$(HELM4): | packages
	$(call install,GOBIN=$$work CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@v4.3.1)
$(KWOK): | packages
	$(call install,GOBIN=$$work CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' sigs.k8s.io/kwok/cmd/kwok@v0.8.0)
# kubectl is that of the development cluster's Kubernetes.
$(KUBECTL): | packages
	$(call install,cd hack/devcluster && $(GOBUILD) -ldflags '-s -w' -o $$work/kubectl k8s.io/kubernetes/cmd/kubectl)
