package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

const (
	// runKey is the key of the run in its Secret. The keys with logPrefix have the logs of its steps.
	runKey    = "run"
	logPrefix = "log."
	// maxBytes is the largest size of a record; a Secret can have 1 MiB.
	maxBytes = 512 << 10
	// maxUnpacked is the largest size of an unpacked text.
	maxUnpacked = 64 << 20
)

// pack compresses a text.
func pack(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // writing to a buffer cannot fail
	_ = w.Close()
	return b.Bytes()
}

// unpack is the reverse of pack.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(text) > maxUnpacked {
		err = fmt.Errorf("it is larger than %d MiB", maxUnpacked>>20)
	}
	return text, err
}

// encodeRun returns the run as it is stored.
func encodeRun(r *Run) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return pack(text), nil
}

// decodeRun is the reverse of encodeRun.
func decodeRun(packed []byte) (*Run, error) {
	text, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	r := &Run{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, err
	}
	return r, nil
}

// encodeStored returns a run and its logs as the data of a Secret, of at most maxBytes. It first leaves out the logs of the
// oldest steps, then the details of each step, but never its result.
func encodeStored(run *Stored) (map[string][]byte, error) {
	kept := run.Run
	text, err := encodeRun(&kept)
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		kept.Compacted, kept.Steps = true, nil
		for _, s := range run.Steps {
			kept.Steps = append(kept.Steps, Step{ID: s.ID, Kind: s.Kind, Digest: s.Digest, Attempt: s.Attempt, Created: s.Created, State: s.State, ExitCode: s.ExitCode, Outputs: s.Outputs})
		}
		if text, err = encodeRun(&kept); err != nil {
			return nil, err
		}
		if len(text) > maxBytes {
			return nil, fmt.Errorf("the record of the run would have %d KiB, and the limit is %d KiB; --record=none runs without a record", len(text)>>10, maxBytes>>10)
		}
	}
	data := map[string][]byte{runKey: text}
	room := maxBytes - len(text)
	for i := range slices.Backward(run.Steps) {
		id := run.Steps[i].ID
		packed, ok := run.logs[id]
		if !ok {
			continue
		}
		if room -= len(packed); room < 0 {
			kept.DroppedLogs = append(kept.DroppedLogs, id)
			continue
		}
		data[fmt.Sprintf("%s%d", logPrefix, i)] = packed
	}
	if len(kept.DroppedLogs) > len(run.DroppedLogs) {
		data[runKey], err = encodeRun(&kept)
	}
	return data, err
}

// decodeStored is the reverse of encodeStored.
func decodeStored(data map[string][]byte) (*Stored, error) {
	run, err := decodeRun(data[runKey])
	if err != nil {
		return nil, err
	}
	stored := &Stored{Run: *run, logs: map[string][]byte{}}
	for i := range run.Steps {
		if packed, ok := data[fmt.Sprintf("%s%d", logPrefix, i)]; ok {
			stored.logs[run.Steps[i].ID] = packed
		}
	}
	return stored, nil
}
