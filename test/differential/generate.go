package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Release is the release's name in all sequences.
const Release = "app"

// generator makes one sequence.
type generator struct {
	*rand.Rand

	s Sequence
	// pods reports that hooks may be Jobs and Pods, which take seconds.
	pods bool
	// newest is about the number of the newest revision.
	newest int
}

// Generate returns the sequence of a seed.
func Generate(seed uint64) Sequence {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), s: Sequence{Seed: seed, Inputs: map[string]string{}}}
	g.pods = g.chance(20)
	g.charts()
	g.inputs()
	g.s.Steps = append(g.s.Steps, g.first())
	g.newest = 1
	switch g.IntN(3) {
	case 1:
		g.age(2, 9)
	case 2:
		g.age(90, 99)
	}
	for range 4 + g.IntN(4) {
		g.s.Steps = append(g.s.Steps, g.step())
	}
	return g.s
}

func (g *generator) age(from, to int) {
	g.s.Steps = append(g.s.Steps, Step{Foreign: &Foreign{Verb: Age, From: from, To: to}})
	g.newest = to
}

// chance is true in so many of a hundred cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// charts makes three versions: each is the one before with changes.
func (g *generator) charts() {
	c := Chart{Version: "0.1.0", Greeting: "hello", Sub: g.chance(25)}
	for i := range 1 + g.IntN(3) {
		c.Objects = append(c.Objects, g.object(i))
	}
	for i := range 1 + g.IntN(4) {
		c.Hooks = append(c.Hooks, g.hook(i, 15))
	}
	g.s.Charts = append(g.s.Charts, c)
	for i := range 2 {
		c.Objects, c.Hooks = slices.Clone(c.Objects), slices.Clone(c.Hooks)
		c.Version, c.Broken = fmt.Sprintf("0.%d.0", i+2), ""
		if g.chance(40) {
			c.Greeting = pick(g, "hello", "good-day", "bye")
		}
		for range 1 + g.IntN(3) {
			g.change(&c)
		}
		if g.chance(15) {
			c.Broken = pick(g, BrokenTemplate, BrokenSchema, BrokenObject, BrokenObject)
		}
		if g.chance(10) {
			c.Sub = !c.Sub
		}
		g.s.Charts = append(g.s.Charts, c)
	}
}

// change changes an object or a hook of a chart, adds one, or leaves one out.
func (g *generator) change(c *Chart) {
	switch g.IntN(4) {
	case 0:
		if n := g.IntN(4); n < len(c.Objects) {
			c.Objects = slices.Delete(c.Objects, n, n+1)
		} else {
			c.Objects = append(c.Objects, g.object(len(c.Objects)))
			c.Objects = unique(c.Objects)
		}
	case 1:
		if n := g.IntN(5); n < len(c.Hooks) {
			c.Hooks = slices.Delete(c.Hooks, n, n+1)
		}
	default:
		n := g.IntN(5)
		h := g.hook(n, 30)
		if n < len(c.Hooks) {
			c.Hooks[n] = h
		} else {
			c.Hooks = append(c.Hooks, h)
		}
	}
}

// unique leaves out what has the name of one before it: a release has each object once.
func unique(objects []Object) []Object {
	seen := map[string]bool{}
	return slices.DeleteFunc(objects, func(o Object) bool {
		double := seen[o.Name]
		seen[o.Name] = true
		return double
	})
}

func (g *generator) object(i int) Object {
	return Object{
		Kind: pick(g, kindConfigMap, kindConfigMap, kindSecret, kindAccount, kindService, kindRole, kindDeployment),
		Name: fmt.Sprintf("object-%d", i+1), Keep: g.chance(12),
	}
}

// Events are those of hooks.
func Events() []string {
	return []string{"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback", "pre-delete", "post-delete", "test"}
}

// Policies are the delete policies of hooks.
func Policies() []string { return []string{"before-hook-creation", "hook-succeeded", "hook-failed"} }

func (g *generator) hook(i, failing int) Hook {
	h := Hook{
		Kind: pick(g, kindConfigMap, kindConfigMap, kindSecret, kindAccount), Name: fmt.Sprintf("hook-%d", i+1),
		Weight: pick(g, 0, 0, 0, -5, 5, 10), Fails: g.chance(failing), Sub: g.chance(15),
	}
	if g.pods && g.chance(50) {
		h.Kind = pick(g, kindJob, kindPod)
	}
	if g.chance(8) {
		h.Name = "hook-1" // an object that another hook may make too
	}
	for range pick(g, 1, 2, 2, 3, 4) {
		h.Events = append(h.Events, pick(g, Events()...))
	}
	slices.Sort(h.Events)
	h.Events = slices.Compact(h.Events)
	for _, p := range Policies() {
		if g.chance(35) {
			h.Policies = append(h.Policies, p)
		}
	}
	return h
}

// inputs makes the files that flags name.
func (g *generator) inputs() {
	g.s.Inputs["values-1.yaml"] = pick(g, "greeting: file\ncount: 7\n", "nested: {a: file, b: {d: null}}\nmore: {deep: {er: 1}}\n", "list: [three]\nenabled: false\n")
	g.s.Inputs["values-2.yaml"] = pick(g, "nested: null\n", "greeting: second\nsub: {greeting: file}\n", "{}\n")
	g.s.Inputs["text.txt"] = pick(g, "text of a file", "a=b,c")
}

// first is the step that most sequences begin with.
func (g *generator) first() Step {
	switch {
	case g.chance(60):
		return g.install()
	case g.chance(85):
		s := g.upgrade()
		if !s.Has("--install") {
			s.Flags = append(s.Flags, "--install")
		}
		return s
	}
	return g.step()
}

func (g *generator) step() Step {
	n := g.IntN(100)
	switch {
	case n < 42:
		g.newest++
		return g.upgrade()
	case n < 59:
		return g.rollback()
	case n < 67:
		return g.test()
	case n < 77:
		return g.uninstall()
	case n < 83:
		return g.install()
	}
	return Step{Foreign: g.foreign()}
}

func (g *generator) chart() string { return "$DIR/" + chartName(g.IntN(len(g.s.Charts))) }

// values are flags that set values.
func (g *generator) values() []string {
	var all []string
	for range pick(g, 0, 0, 1, 1, 2, 3) {
		all = append(all, pick(g,
			"--set="+pick(g, "greeting=set", "greeting=null", "count=11", "nested.b.c=set,nested.e=1", "list[1]=set", "list={a,b}", "nested=null", "sub.enabled=false", "sub.greeting=set", "big=30000000001", "enabled=false", "new.a.b=1", `greeting=a\,b`),
			"--set-string="+pick(g, "count=12", "greeting=true", "rate=1.50", "nested.b.c=007"),
			"--set-json="+pick(g, `nested={"a":null,"f":[1,{"g":2}]}`, `list=["x",3]`, `count=5`, `greeting="json"`, `sub={"greeting":"json"}`),
			"--set-file="+pick(g, "greeting=$DIR/text.txt", "nested.file=$DIR/text.txt"),
			"--set-literal="+pick(g, "greeting=a,b=c", "nested.literal={x}"),
			"-f=$DIR/values-1.yaml", "--values=$DIR/values-2.yaml",
		))
	}
	return all
}

// maybe returns those of the flags that are chosen, each with that chance.
func (g *generator) maybe(percent int, flags ...string) []string {
	var all []string
	for _, f := range flags {
		if g.chance(percent) {
			all = append(all, f)
		}
	}
	return all
}

func (g *generator) install() Step {
	s := Step{Command: []string{"install", Release, g.chart()}, Flags: g.values()}
	s.Flags = append(s.Flags, g.maybe(8, "--atomic", "--no-hooks", "--force", "--wait", "--take-ownership", "--description=by hand", "--labels=team=a,tier=b")...)
	s.Flags = append(s.Flags, g.maybe(40, "--replace")...)
	return s
}

func (g *generator) upgrade() Step {
	s := Step{Command: []string{"upgrade", Release, g.chart()}, Flags: g.values()}
	s.Flags = append(s.Flags, g.maybe(16, "--reuse-values", "--reset-values", "--reset-then-reuse-values", "--install")...)
	s.Flags = append(s.Flags, g.maybe(10, "--force", "--atomic", "--cleanup-on-fail", "--no-hooks", "--wait", "--take-ownership",
		fmt.Sprintf("--history-max=%d", pick(g, 1, 2, 3, 5)), "--description=by hand", "--labels="+pick(g, "team=a", "team=null,other=c"))...)
	return s
}

func (g *generator) rollback() Step {
	s := Step{Command: []string{"rollback", Release}}
	switch n := g.IntN(10); {
	case n < 3: // the previous one
	case n < 4:
		s.Command = append(s.Command, "0")
	case n < 8:
		s.Command = append(s.Command, fmt.Sprint(max(1, g.newest-g.IntN(5))))
	case n < 9:
		s.Command = append(s.Command, pick(g, "1", "2", "9", "10", "90"))
	default:
		s.Command = append(s.Command, fmt.Sprint(g.newest+20)) // there is none
	}
	g.newest++
	s.Flags = g.maybe(10, "--force", "--cleanup-on-fail", "--no-hooks", "--wait", fmt.Sprintf("--history-max=%d", pick(g, 1, 2, 4)))
	return s
}

func (g *generator) uninstall() Step {
	s := Step{Command: []string{"uninstall", Release}, Flags: g.maybe(60, "--keep-history")}
	s.Flags = append(s.Flags, g.maybe(12, "--no-hooks", "--wait", "--ignore-not-found", "--description=by hand")...)
	s.Flags = append(s.Flags, g.maybe(30, "--cascade="+pick(g, "background", "foreground", "orphan"))...)
	return s
}

func (g *generator) test() Step {
	s := Step{Command: []string{"test", Release}}
	for range pick(g, 0, 1, 1, 2) {
		s.Flags = append(s.Flags, "--filter="+pick(g, "name=hook-1", "name=hook-2", "!name=hook-1", "!name=hook-3", "name=none"))
	}
	return s
}

func (g *generator) foreign() *Foreign {
	f := &Foreign{Verb: pick(g, Edit, Edit, Apply, Delete, Delete, Create, Create, Own, Pend), Value: pick(g, "edited", "other")}
	c := pick(g, g.s.Charts...)
	switch {
	case len(c.Hooks) > 0 && g.chance(50):
		h := pick(g, c.Hooks...)
		f.Kind, f.Name = h.Kind, h.Name
	case len(c.Objects) > 0:
		o := pick(g, c.Objects...)
		f.Kind, f.Name = o.Kind, o.Name
	default:
		f.Kind, f.Name = kindConfigMap, SeenName
	}
	if f.Kind == kindJob || f.Kind == kindPod {
		f.Verb = Delete
	}
	return f
}
