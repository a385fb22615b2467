package source

import (
	"errors"
	"maps"
	"path"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// chartReference is the reference to the files of the chart.
const chartReference = "chart"

// chart returns the task files at the root of the chart, if there are any. They are not trusted: the author
// of a chart is not the user.
func (f Finder) chart() ([]format.Document, error) {
	if f.Chart == nil {
		return nil, errors.New("chart: this command has no chart; name a file")
	}
	files, err := f.Chart()
	if err != nil {
		return nil, err
	}
	var documents []format.Document
	for _, is := range f.Formats {
		name := is.Files[0]
		text, ok := files[name]
		if !ok || is.Shared && !is.Recognises(text) {
			continue
		}
		if len(text) > maxBytes {
			return nil, tooLarge("chart/" + name)
		}
		documents = append(documents, format.Document{
			Source: task.Source{Name: "chart/" + name, Format: is.Name},
			Text:   text,
			Glob:   globNames(maps.Keys(files)),
			ReadFile: func(name string) ([]byte, error) {
				if other, ok := files[path.Clean(name)]; ok {
					return other, nil
				}
				return nil, notFoundError{"the chart has no file " + name}
			},
		})
	}
	return documents, nil
}
