package action

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// Unlock breaks the lock of a release, and returns that lock; nil if there was none. It first watches whether
// a process renews the lock, and refuses when one does, except with force.
func (p *Past) Unlock(ctx context.Context, name string, force bool) (*lock.Held, error) {
	held, err := p.Locks.Get(ctx, lock.Name(name, ""))
	if err != nil {
		return nil, &release.PreflightError{Err: err}
	}
	if held == nil {
		return nil, nil
	}
	broken := p.Locks.ForceBreak
	if !force {
		broken = p.Locks.Break
		alive, err := p.Locks.WaitRenewed(ctx, held)
		if err != nil {
			return nil, &release.PreflightError{Err: err}
		}
		if alive {
			return nil, refused(fmt.Sprintf("release %q is locked by %s for run %[3]s, which is alive\nhint: '%[4]s cancel %[3]s' stops it; --force breaks the lock anyway", name, held.Owner, held.Run, p.config.Name))
		}
	}
	err = broken(ctx, held)
	if errors.Is(err, lock.ErrChanged) {
		return nil, refused(fmt.Sprintf("release %q: %v; the lock was not broken\nhint: '%s history --release %s' shows the running run", name, err, p.config.Name, name))
	}
	if err != nil {
		return nil, &release.PreflightError{Err: err}
	}
	return held, nil
}
