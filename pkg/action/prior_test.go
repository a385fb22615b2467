package action

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestKeep: documents with tasks for a later uninstall are kept whole, however long, or refused with their size.
func TestKeep(t *testing.T) {
	random := make([]byte, 300<<10)
	_, _ = rand.Read(random)
	for _, tt := range []struct {
		name    string
		text    []byte
		refused string
	}{
		{"small", []byte("tasks"), ""},
		{"long", bytes.Repeat([]byte("- {name: cleanup, phase: post-uninstall, host: {command: [echo, cleanup]}}\n"), 10000), ""},
		{"too long", []byte(hex.EncodeToString(random)), "tasks.yaml: packed, the tasks for a later uninstall or rollback take 3"},
	} {
		from := task.Source{Name: "tasks.yaml", Format: "native", Trusted: true}
		set := taskSet{Set: format.Set{
			Documents: []format.Document{{Source: from, Text: tt.text}, {Source: task.Source{Name: "chart/tasks.yaml"}, Text: random}},
			Tasks:     []task.Task{{Name: "cleanup", Phase: task.PostUninstall, Source: from}},
		}}
		kept, err := keep(set)
		if tt.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.refused) || ExitCode(err) != ExitPreflight {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || len(kept) != 1 {
			t.Fatalf("%s: %d kept, %v", tt.name, len(kept), err)
		}
		if text, err := kept[0].Content(); err != nil || !bytes.Equal(text, tt.text) {
			t.Errorf("%s: %s, %v", tt.name, fmt.Sprint(len(text)), err)
		}
	}
}
