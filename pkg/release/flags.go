package release

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli/output"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/postrender"
	"k8s.io/client-go/util/homedir"
)

// The flags of this file and of the AddFlags methods have the names, defaults and meanings of those of Helm 3.22's
// commands. A test compares them with the real ones.

// defaultTimeout is Helm's default for --timeout.
const defaultTimeout = 300 * time.Second

func addValueFlags(fs *pflag.FlagSet, v *values.Options) {
	fs.StringSliceVarP(&v.ValueFiles, "values", "f", []string{}, "specify values in a YAML file or a URL (can specify multiple)")
	fs.StringArrayVar(&v.Values, "set", []string{}, "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	fs.StringArrayVar(&v.StringValues, "set-string", []string{}, "set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	fs.StringArrayVar(&v.FileValues, "set-file", []string{}, "set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)")
	fs.StringArrayVar(&v.JSONValues, "set-json", []string{}, "set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2)")
	fs.StringArrayVar(&v.LiteralValues, "set-literal", []string{}, "set a literal STRING value on the command line")
}

func addChartFlags(fs *pflag.FlagSet, c *action.ChartPathOptions) {
	fs.StringVar(&c.Version, "version", "", "specify a version constraint for the chart version to use: a specific version (e.g. 1.1.1) or a range (e.g. ^2.0.0); without it the latest version is used")
	fs.BoolVar(&c.Verify, "verify", false, "verify the package before using it")
	fs.StringVar(&c.Keyring, "keyring", defaultKeyring(), "location of public keys used for verification")
	fs.StringVar(&c.RepoURL, "repo", "", "chart repository url where to locate the requested chart")
	fs.StringVar(&c.Username, "username", "", "chart repository username where to locate the requested chart")
	fs.StringVar(&c.Password, "password", "", "chart repository password where to locate the requested chart")
	fs.StringVar(&c.CertFile, "cert-file", "", "identify HTTPS client using this SSL certificate file")
	fs.StringVar(&c.KeyFile, "key-file", "", "identify HTTPS client using this SSL key file")
	fs.BoolVar(&c.InsecureSkipTLSverify, "insecure-skip-tls-verify", false, "skip tls certificate checks for the chart download")
	fs.BoolVar(&c.PlainHTTP, "plain-http", false, "use insecure HTTP connections for the chart download")
	fs.StringVar(&c.CaFile, "ca-file", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
	fs.BoolVar(&c.PassCredentialsAll, "pass-credentials", false, "pass credentials to all domains")
}

func addOutputFlag(fs *pflag.FlagSet, format *output.Format) {
	*format = output.Table
	fs.VarP((*formatValue)(format), "output", "o", "prints the output in the specified format. Allowed values: "+strings.Join(output.Formats(), ", "))
}

// formatValue is the pflag.Value of an output format.
type formatValue output.Format

func (f *formatValue) String() string { return string(*f) }
func (f *formatValue) Type() string   { return "format" }

func (f *formatValue) Set(text string) error {
	parsed, err := output.ParseFormat(text)
	if err != nil {
		return err
	}
	*f = formatValue(parsed)
	return nil
}

// postRendererFlags are --post-renderer and --post-renderer-args, which can be in any order.
type postRendererFlags struct {
	binary string
	args   []string
}

func (p *postRendererFlags) addFlags(fs *pflag.FlagSet) {
	fs.Var(rendererBinary{p}, "post-renderer", "the path to an executable to be used for post rendering. If it exists in $PATH, the binary will be used, otherwise it will try to look for the executable at the given path")
	fs.Var(rendererArgs{p}, "post-renderer-args", "an argument to the post-renderer (can specify multiple)")
}

// renderer returns the post-renderer; nil if the flag is not set. It is an error if there is no such program.
func (p *postRendererFlags) renderer() (postrender.PostRenderer, error) {
	if p.binary == "" {
		return nil, nil
	}
	return postrender.NewExec(p.binary, p.args...)
}

type rendererBinary struct{ *postRendererFlags }

func (r rendererBinary) Type() string { return "postRendererString" }

// String returns the flag's value. pflag also calls it on the zero value.
func (r rendererBinary) String() string {
	if r.postRendererFlags == nil {
		return ""
	}
	return r.binary
}

func (r rendererBinary) Set(text string) error {
	r.binary = text
	return nil
}

type rendererArgs struct{ *postRendererFlags }

func (r rendererArgs) Type() string { return "postRendererArgsSlice" }

func (r rendererArgs) String() string {
	if r.postRendererFlags == nil {
		return "[]"
	}
	return "[" + strings.Join(r.args, ",") + "]"
}

func (r rendererArgs) Set(text string) error {
	r.args = append(r.args, text)
	return nil
}

// defaultKeyring returns the path of GnuPG's public keys.
func defaultKeyring() string {
	if home, ok := os.LookupEnv("GNUPGHOME"); ok {
		return filepath.Join(home, "pubring.gpg")
	}
	return filepath.Join(homedir.HomeDir(), ".gnupg", "pubring.gpg")
}
