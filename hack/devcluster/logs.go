package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func logFile(component string) string { return state("logs", component+".log") }

// tail returns the last lines of a component's log.
func tail(component string, lines int) string {
	text, err := os.ReadFile(logFile(component))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// logs writes the log of a component.
func logs(component string) error {
	if _, err := componentByName(component); err != nil {
		return err
	}
	file, err := os.Open(logFile(component))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(os.Stdout, file)
	return err
}

// status tells which components run.
func status() error {
	for _, c := range components {
		found := running(c.name)
		if len(found) == 0 {
			fmt.Printf("%-24s down\n", c.name)
			continue
		}
		fmt.Printf("%-24s up, pid %d\n", c.name, found[0].pid)
	}
	return nil
}
