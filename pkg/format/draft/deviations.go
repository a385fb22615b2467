package draft

// Deviations are the differences between Draft and a run of the converted tasks (spec draft.md), a line each.
var Deviations = []string{
	"Draft continues after a failed task, and succeeds; here a failure stops the run. onFailure: continue restores Draft's behaviour.",
	"Draft runs the tasks of a table in random order; here each task needs the previous one in the file.",
	"Draft replaces an unset variable with an empty string; here it is an error.",
	"A command is a list of arguments and runs without a shell, as in Draft; shell: runs a line with sh -c.",
}
