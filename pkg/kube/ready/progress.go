package ready

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// reportProgress calls Options.Progress from time to time with the objects that are not ready.
func (w *readyWait) reportProgress(ctx context.Context) {
	if w.how.Progress == nil {
		return
	}
	var told []string
	last, pause := time.Now(), progressRepeat
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(progressInterval):
		}
		all, unready := w.unready()
		now := make([]string, len(unready))
		for i, u := range unready {
			now[i] = u.String()
		}
		same := slices.Equal(now, told)
		if len(now) == 0 || same && time.Since(last) < pause {
			continue
		}
		if pause = progressRepeat; same {
			pause = min(2*time.Since(last), progressMaxRepeat)
		}
		told, last = now, time.Now()
		w.how.Progress(all, unready)
	}
}

// note calls Options.Note.
func (w *readyWait) note(text string) {
	if w.how.Note != nil {
		w.how.Note(text)
	}
}

// noteUnknown notes the objects with the verdict Unknown, and the reasons of the ready ones.
func (w *readyWait) noteUnknown() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var notes []string
	for _, names := range w.places {
		for _, a := range names {
			switch {
			case a.verdict == Unknown:
				notes = append(notes, fmt.Sprintf("%s is not waited for: %s", kube.Name(a.object), a.reason))
			case a.reason != "":
				notes = append(notes, kube.Name(a.object)+": "+a.reason)
			}
		}
	}
	slices.Sort(notes)
	for _, text := range notes {
		w.note(text)
	}
}

// unready returns the number of all objects, and those that are not ready, sorted.
func (w *readyWait) unready() (all int, list []Unready) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, names := range w.places {
		all += len(names)
		for _, a := range names {
			if a.verdict == Ready || a.verdict == Unknown {
				continue
			}
			u := Unready{Object: kube.Name(a.object), Reason: a.reason, For: time.Since(w.began)}
			if why := a.why(); why != "" {
				u.Reason += " (" + why + ")"
			}
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b Unready) int { return cmp.Compare(a.Object, b.Object) })
	return all, list
}

// messages returns the objects that are not ready, with the blockers of their pods, for the error message.
func (w *readyWait) messages(ctx context.Context) []string {
	w.requestPods(ctx)
	_, unready := w.unready()
	list := make([]string, len(unready))
	for i, u := range unready {
		list[i] = u.String()
	}
	return list
}
