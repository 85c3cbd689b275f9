package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

// tally counts the results of calls.
type tally struct {
	mutex sync.Mutex
	// Answered is the number of successful calls by gateway address.
	Answered map[string]int `json:"answered"`
	Failed   []string       `json:"failed"`
}

const concurrentCallers = 8

// callUntilStopped calls the gateways behind one name from several goroutines until SIGINT or SIGTERM, and prints the
// counts five times a second.
func callUntilStopped(target string, options options) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	connection := must(pixelflow.Connect(target, nil, options.token))
	defer connection.Close()
	client := pixelflow.New(connection)
	counts := tally{Answered: map[string]int{}, Failed: []string{}}

	var callers sync.WaitGroup
	for range concurrentCallers {
		callers.Go(func() {
			for ctx.Err() == nil {
				counts.call(ctx, client)
			}
		})
	}
	for ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		counts.print()
	}
	callers.Wait()
	counts.print()
}

func (t *tally) call(ctx context.Context, client pixelflow.Client) {
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var gateway peer.Peer
	_, err := client.RPC.ListTasks(callCtx, &pb.ListTasksRequest{Limit: 1}, grpc.Peer(&gateway))
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if err != nil {
		t.Failed = append(t.Failed, pixelflow.Explain(err))
	} else {
		t.Answered[gateway.Addr.String()]++
	}
}

func (t *tally) print() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	line, _ := json.Marshal(t)
	fmt.Println(string(line))
}
