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
	run  func(context.Context, *bench)
}

// Skipped if the server uses tokens.
var onlyWithCertificates = []string{"wrong-certificate", "wrong-server"}

// In the order of scenarios.md.
var scenarios = slices.Concat(
	imageScenarios, taskScenarios, liveScenarios, downloadScenarios, callerScenarios, keyScenarios, serverScenarios)

type report struct {
	Scenario string `json:"scenario"`
	OK       bool   `json:"ok"`
	Why      string `json:"why,omitempty"`
	Ms       int64  `json:"ms"`
}

func main() {
	var options options
	list := flag.Bool("list", false, "only say which there are")
	only := flag.String("only", "", "only these, with commas between")
	load := flag.String("load", "", "instead: call these gateways, such as dns:///pixelflow:50051, until told to stop")
	flag.StringVar(&options.address, "address", "127.0.0.1:50051", "host and port of the gRPC port")
	flag.StringVar(&options.http, "http", "http://127.0.0.1:3000", "address of the HTTP port")
	flag.StringVar(&options.token, "token", "", "token of one account")
	flag.StringVar(&options.otherToken, "other-token", "", "token of another account")
	flag.StringVar(&options.photo, "photo", "", "a JPEG of 640×480 pixels")
	flag.StringVar(&options.certs, "certs", "", "folder made by ./pixelflow certs; instead of the tokens")
	flag.StringVar(&options.untrusted, "untrusted", "", "a folder of certificates from a CA that the server does not trust")
	flag.StringVar(&options.ann, "ann", "ann", "client of one account in certs")
	flag.StringVar(&options.bob, "bob", "bob", "client of another account in certs")
	flag.Parse()
	if *list {
		for _, one := range scenarios {
			fmt.Println(one.name)
		}
		return
	}
	if *load != "" {
		keepCalling(*load, options)
		return
	}

	bench := newBench(options)
	failures := 0
	for _, one := range scenarios {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), one.name) {
			continue
		}
		if slices.Contains(onlyWithCertificates, one.name) && !bench.encrypted() {
			continue
		}
		began := time.Now()
		why := attempt(bench, one)
		if why != "" {
			failures++
		}
		line, _ := json.Marshal(report{one.name, why == "", why, time.Since(began).Milliseconds()})
		fmt.Println(string(line))
	}
	if failures > 0 {
		os.Exit(1)
	}
}

// attempt runs a scenario and returns the failure, or an empty string.
func attempt(bench *bench, one scenario) (why string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer func() {
		if thrown := recover(); thrown != nil {
			why = fmt.Sprintf("%v\n%s", thrown, debug.Stack())
		}
	}()
	one.run(ctx, bench)
	return ""
}
