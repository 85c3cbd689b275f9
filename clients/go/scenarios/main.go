// Runs the scenarios of ../../scenarios.md against a server with grpc-go and prints one line of JSON per scenario.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

type scenario struct {
	name string
	run  func(context.Context, *fixture)
}

// onlyWithTLS lists the scenarios that are skipped if the server does not use TLS.
var onlyWithTLS = []string{"wrong-certificate", "wrong-server"}

// scenarios has the order of scenarios.md.
var scenarios = slices.Concat(
	imageScenarios, taskScenarios, liveScenarios, downloadScenarios, callerScenarios, keyScenarios, serverScenarios)

// report is the result of one scenario, as it is printed.
type report struct {
	Scenario string `json:"scenario"`
	OK       bool   `json:"ok"`
	// Failure describes why the scenario has failed.
	Failure    string `json:"why,omitempty"`
	DurationMs int64  `json:"ms"`
}

func main() {
	var options options
	list := flag.Bool("list", false, "print the names of the scenarios and exit")
	only := flag.String("only", "", "run only these scenarios, separated by commas")
	load := flag.String("load", "", "run no scenarios; call the gateways behind this target, such as dns:///pixelflow:50051, until SIGTERM")
	flag.StringVar(&options.address, "address", "127.0.0.1:50051", "host and port of the gRPC port")
	flag.StringVar(&options.http, "http", "http://127.0.0.1:3000", "address of the HTTP port")
	flag.StringVar(&options.token, "token", "", "token of one account")
	flag.StringVar(&options.otherToken, "other-token", "", "token of another account")
	flag.StringVar(&options.photo, "photo", "", "a JPEG of 640×480 pixels")
	flag.StringVar(&options.certs, "certs", "", "folder that ./pixelflow certs has created; replaces the tokens")
	flag.StringVar(&options.untrusted, "untrusted", "", "folder with certificates of a CA that the server does not trust")
	flag.StringVar(&options.ann, "ann", "ann", "client of one account in certs")
	flag.StringVar(&options.bob, "bob", "bob", "client of another account in certs")
	flag.Parse()
	if *list {
		for _, scenario := range scenarios {
			fmt.Println(scenario.name)
		}
		return
	}
	if *load != "" {
		callUntilStopped(*load, options)
		return
	}

	fixture := newFixture(options)
	failures := 0
	for _, scenario := range scenarios {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), scenario.name) {
			continue
		}
		if slices.Contains(onlyWithTLS, scenario.name) && !fixture.usesTLS() {
			continue
		}
		start := time.Now()
		failure := runScenario(fixture, scenario)
		if failure != "" {
			failures++
		}
		line, _ := json.Marshal(report{scenario.name, failure == "", failure, time.Since(start).Milliseconds()})
		fmt.Println(string(line))
	}
	if failures > 0 {
		os.Exit(1)
	}
}

// runScenario returns why the scenario has failed, or an empty string.
func runScenario(fixture *fixture, scenario scenario) (failure string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			failure = fmt.Sprintf("%v\n%s", reason, debug.Stack())
		}
	}()
	scenario.run(ctx, fixture)
	return ""
}
