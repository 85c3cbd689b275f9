package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay is a TCP proxy whose connections can be broken.
type relay struct {
	listener    net.Listener
	target      string
	connections atomic.Int32
	// cutAfter is the number of response bytes on the first connection after which the relay cuts all connections; 0 to
	// disable.
	cutAfter int64

	mutex sync.Mutex
	open  []net.Conn
}

func newRelay(target string) *relay {
	r := &relay{listener: must(net.Listen("tcp", "127.0.0.1:0")), target: target}
	go r.accept()
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

// cut breaks every open connection. New connections are accepted.
func (r *relay) cut() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, connection := range r.open {
		connection.Close()
	}
	r.open = nil
}

func (r *relay) close() {
	r.listener.Close()
	r.cut()
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			client.Close()
			continue
		}
		r.connections.Add(1)
		r.mutex.Lock()
		r.open = append(r.open, client, server)
		r.mutex.Unlock()
		go copyAndClose(server, client)
		if r.cutAfter > 0 && r.connections.Load() == 1 {
			go func() {
				_, _ = io.CopyN(client, server, r.cutAfter)
				r.cut()
			}()
		} else {
			go copyAndClose(client, server)
		}
	}
}

// copyAndClose forwards one direction of a connection, and closes both sides at its end.
func copyAndClose(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	from.Close()
	to.Close()
}
