package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Steps of a client's program: each says on a line of its own whether it passed.

var failed bool

func step(name string, run func() error) {
	if err := run(); err != nil {
		failed = true
		fmt.Printf("FAIL %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

func end() {
	if failed {
		os.Exit(1)
	}
}

// waitUntil returns once the condition holds, or with the first error.
func waitUntil(what string, condition func() (bool, error)) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds, err := condition(); holds || err != nil {
			return err
		}
	}
	return fmt.Errorf("not within 20 s: %s", what)
}

func equal(found, expected any) error {
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		return fmt.Errorf("%v is not %v", found, expected)
	}
	return nil
}
