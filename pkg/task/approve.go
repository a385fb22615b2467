package task

// Approve asks the user whether to continue.
type Approve struct {
	// Message is the question.
	Message string
}

// Kind returns "approve".
func (Approve) Kind() string { return "approve" }

// Argv returns the question.
func (a Approve) Argv() []string { return []string{a.Message} }

// Text returns the question.
func (a Approve) Text() string { return a.Message }

func (Approve) executor() {}
