package draft

// Deviations are the differences between Draft and a run of the converted tasks (spec draft.md), a line each.
var Deviations = []string{
	"Draft goes on after a task that failed, and succeeds; here a failure stops the run. onFailure: continue is Draft's way.",
	"Draft runs the tasks of a table in random order; here each needs the one before it in the file.",
	"Draft takes a variable that is not set for empty; here it is an error.",
	"A command is a list of arguments, which no shell sees, as in Draft; shell: takes a line for sh -c.",
}
