package source

import (
	"errors"
	"maps"
	"path"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// chartReference names the files of the chart.
const chartReference = "chart"

// chart returns the task files at the root of the chart; none is not an error. Whoever wrote the
// chart is not trusted.
func (f Finder) chart() ([]Document, error) {
	if f.Chart == nil {
		return nil, errors.New("chart: this command has no chart; name a file")
	}
	files, err := f.Chart()
	if err != nil {
		return nil, err
	}
	var documents []Document
	for _, format := range f.Formats {
		name := format.Files[0]
		text, ok := files[name]
		if !ok || format.Shared && !format.Recognises(text) {
			continue
		}
		if len(text) > maxBytes {
			return nil, tooLarge("chart/" + name)
		}
		documents = append(documents, Document{
			Source: task.Source{Name: "chart/" + name, Format: format.Name},
			Text:   text,
			Glob:   among(maps.Keys(files)),
			ReadFile: func(name string) ([]byte, error) {
				if other, ok := files[path.Clean(name)]; ok {
					return other, nil
				}
				return nil, notThereError{"the chart has no file " + name}
			},
		})
	}
	return documents, nil
}
