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

// tally counts the results of the calls.
type tally struct {
	mutex sync.Mutex
	// Answered is the number of successful calls by gateway address.
	Answered map[string]int `json:"answered"`
	Failed   []string       `json:"failed"`
}

const callersAtOnce = 8

// keepCalling calls the gateways behind one name from several goroutines and prints the counts five times a second.
func keepCalling(target string, options options) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	connection := must(pixelflow.Connect(target, nil, options.token))
	defer connection.Close()
	client := pixelflow.New(connection)
	counted := tally{Answered: map[string]int{}, Failed: []string{}}

	var callers sync.WaitGroup
	for range callersAtOnce {
		callers.Go(func() {
			for ctx.Err() == nil {
				counted.call(ctx, client)
			}
		})
	}
	for ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		counted.tell()
	}
	callers.Wait()
	counted.tell()
}

func (t *tally) call(ctx context.Context, client pixelflow.Client) {
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var from peer.Peer
	_, err := client.RPC.ListTasks(short, &pb.ListTasksRequest{Limit: 1}, grpc.Peer(&from))
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if err != nil {
		t.Failed = append(t.Failed, pixelflow.Explain(err))
	} else {
		t.Answered[from.Addr.String()]++
	}
}

func (t *tally) tell() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	line, _ := json.Marshal(t)
	fmt.Println(string(line))
}
