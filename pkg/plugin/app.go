package plugin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/terminal"
)

// Main runs the program with the arguments and streams of the process and returns its exit code.
// The first signal stops the run and waits for its end, the second exits immediately.
func Main() int {
	app := New(genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	// The logs of Helm's and Kubernetes' own code can contain text from charts and from the server.
	log.SetOutput(app.ErrOut)
	action.LogTo(app.ErrOut)

	// The reader of the output may exit, and the run must still be recorded to its end. The signal is not
	// ignored, because programs that the run starts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		first := action.Interrupted{Signal: <-signals}
		fmt.Fprintf(app.ErrOut, "\n%s: stopping; a second signal exits immediately\n", first.Signal)
		cancel(first)
		second := action.Interrupted{Signal: <-signals}
		app.abandon()
		os.Exit(second.ExitCode()) //nolint:forbidigo // a second signal asks for it
	}()
	return app.Run(ctx, os.Args[1:])
}

// App is one invocation of the program.
type App struct {
	// IOStreams are the streams for text: Out and ErrOut escape everything that a terminal or a CI system would
	// execute (report.Printer). printObject and data write exact output.
	genericiooptions.IOStreams
	// raw are the streams of the process.
	raw         genericiooptions.IOStreams
	out, errOut *report.Printer
	// person answers all questions.
	person *terminal.Terminal

	mu sync.Mutex
	// leftovers remove the files that must not outlive the process, also after a second signal.
	leftovers []func()
	// abandoned report, after a second signal, what each unfinished run leaves behind, by the order of the runs.
	abandoned map[int]func()
	started   int
	// stopped reports that GitHub Actions was asked not to execute commands in the output.
	stopped bool
	// parsed reports that the command line was parsed: earlier errors are usage errors.
	parsed bool
	// stdin returns standard input, which can be read only once.
	stdin func() ([]byte, error)
}

// New returns an invocation with the given streams.
func New(streams genericiooptions.IOStreams) *App {
	out, errOut := report.NewPrinter(streams.Out), report.NewPrinter(streams.ErrOut)
	return &App{
		IOStreams: genericiooptions.IOStreams{In: streams.In, Out: out, ErrOut: errOut},
		raw:       streams, out: out, errOut: errOut, person: terminal.New(streams.In, errOut),
		stdin: sync.OnceValues(func() ([]byte, error) { return source.ReadLimited(streams.In) }),
	}
}

// say writes a message about the run. Texts in it are escaped (see shown).
func (a *App) say(format string, args ...any) { fmt.Fprintln(a.ErrOut, shown(format, args...)) }

// print writes a line of the result. Texts in it are escaped (see shown).
func (a *App) print(format string, args ...any) { fmt.Fprintln(a.Out, shown(format, args...)) }

// note writes a note to the user.
func (a *App) note(text string) { a.say("note: %s", text) }

// Run runs the command line, writes the error that ended it, if any, and returns the exit code (see action.ExitCode).
// Cancelling ctx with action.Interrupted as its cause stops a run, and waits for its end.
func (a *App) Run(ctx context.Context, args []string) int {
	defer a.cleanUp()
	defer a.flush()

	err := a.execute(ctx, mode{args: args})
	if err == nil {
		return 0
	}
	if !a.parsed {
		err = action.Usage(err)
	}
	if _, ok := errors.AsType[action.SilentError](err); !ok {
		fmt.Fprintf(a.ErrOut, "Error: %s\n", err)
	}
	return action.ExitCode(err)
}

// execute runs the command line of a mode.
func (a *App) execute(ctx context.Context, m mode) error {
	root := a.command(m)
	root.SetArgs(m.args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.ErrOut)
	return root.ExecuteContext(ctx)
}

// config returns the configuration of actions in this process.
func (a *App) config() *action.Config {
	return &action.Config{
		Name: displayName(), Log: func(message string) { fmt.Fprintln(a.ErrOut, message) }, Environ: os.Environ(), Directory: os.Getwd,
		Stdin: a.stdin, HelmLog: a.ErrOut, Now: time.Now, Person: action.Person{Interactive: a.interactive(), Ask: a.person.Ask}, OnExit: a.onExit, OnAbandon: a.onAbandon,
	}
}

// interactive reports whether a user at a terminal can answer questions.
func (a *App) interactive() bool {
	return terminal.Is(a.raw.In) && terminal.Is(a.raw.ErrOut) && os.Getenv("CI") == ""
}

// flush writes the rest of the streams for text.
func (a *App) flush() { _ = errors.Join(a.out.Close(), a.errOut.Close()) }

// abandon prepares the exit after a second signal: it removes the files that must not stay on this machine, and
// reports what may continue.
func (a *App) abandon() {
	a.cleanUp()
	fmt.Fprintln(a.ErrOut, "\nexited immediately: running tasks may continue, and Helm may not have written the release's status; see 'helm status' and 'kubectl get pods'")
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, i := range slices.Sorted(maps.Keys(a.abandoned)) {
		a.abandoned[i]()
	}
}

// onAbandon registers report for a second signal. forget removes it.
func (a *App) onAbandon(report func()) (forget func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.started++
	n := a.started
	if a.abandoned == nil {
		a.abandoned = map[int]func(){}
	}
	a.abandoned[n] = report
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.abandoned, n)
	}
}

// onExit registers remove for the end of the process.
func (a *App) onExit(remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leftovers = append(a.leftovers, remove)
}

func (a *App) cleanUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, remove := range a.leftovers {
		remove()
	}
	a.leftovers = nil
}

// displayName is the program's name as users type it before a command.
func displayName() string {
	if underHelm() {
		return "helm tasks"
	}
	return "kubectl tasks"
}

func underHelm() bool { return os.Getenv("HELM_PLUGIN_NAME") != "" }

// mode is the way in which a command line executes.
type mode struct {
	// args is the command line.
	args []string
	// plan shows the plan of a command instead of running it; nil runs it.
	plan *planFlags
	// resume is the run that the command resumes; nil starts a new one.
	resume *action.Resumption
}

// Command returns the command line with all its commands.
func (a *App) Command() *cobra.Command { return a.command(mode{}) }

func (a *App) command(m mode) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-tasks",
		Short: "Run tasks around Helm releases",
		Long: `Run tasks before, during and after Helm's install, upgrade, rollback and uninstall. Tasks run on
this machine or in pods. They are read from tasks.yaml or the files of Draft, Lagoon and Keptn: from the
working directory, from annotated ConfigMaps or from the chart. No component is installed in the cluster.`,
		Example: `  # Install a chart and run the tasks of the working directory
  kubectl tasks install web ./chart --wait

  # Show the steps in their order, and change nothing
  kubectl tasks install web ./chart --dry-run=client

  # Run one task in the pods of a release
  kubectl tasks run "sync database" --release web`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: displayName()},
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.parsed = true
		},
		// Without a command, kubectl and Helm print the help.
		SuggestionsMinimumDistance: 2,
		Args:                       knownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nsee '%s --help'", err, cmd.CommandPath())
	})
	root.AddCommand(
		a.runCommand(m),
		a.planCommand(m),
		a.installCommand(m),
		a.upgradeCommand(m),
		a.rollbackCommand(m),
		a.testCommand(),
		a.uninstallCommand(m),
		a.resumeCommand(),
		a.cancelCommand(),
		a.unlockCommand(),
		a.historyCommand(),
		a.statusCommand(),
		a.logsCommand(),
		a.listCommand(),
		a.lintCommand(),
		a.schemaCommand(),
		a.convertCommand(),
		a.createCommand(),
		a.versionCommand(),
	)
	return root
}
