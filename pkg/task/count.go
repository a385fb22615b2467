package task

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is how many of the pods a task uses: "one" (also the empty Count), "all", a number from 1, or a percentage from 1% to
// 100%.
type Count string

// All means every pod.
const All Count = "all"

// ParseCount returns the text as a Count. The error lists the allowed forms.
func ParseCount(text string) (Count, error) {
	if _, _, ok := Count(text).parse(); !ok {
		return "", fmt.Errorf("pods is %q; it must be one, all, a number from 1, or a percentage such as 30%%", text)
	}
	return Count(text), nil
}

// Of returns the number of pods out of n. A percentage is rounded up, so that it is at least one pod when there is one.
func (c Count) Of(n int) int {
	number, percent, _ := c.parse()
	if percent {
		return (n*number + 99) / 100
	}
	return min(number, n)
}

func (c Count) parse() (number int, percent, ok bool) {
	switch c {
	case "", "one":
		return 1, false, true
	case All:
		return 100, true, true
	}
	digits, percent := strings.CutSuffix(string(c), "%")
	number, err := strconv.Atoi(digits)
	return number, percent, err == nil && number >= 1 && (!percent || number <= 100)
}
