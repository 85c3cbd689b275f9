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
	// Number of response bytes on the first connection after which the relay cuts all connections; 0 to disable.
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
	for _, one := range r.open {
		one.Close()
	}
	r.open = nil
}

func (r *relay) close() {
	r.listener.Close()
	r.cut()
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", r.target)
		if err != nil {
			near.Close()
			continue
		}
		r.connections.Add(1)
		r.mutex.Lock()
		r.open = append(r.open, near, far)
		r.mutex.Unlock()
		go carry(far, near)
		if r.cutAfter > 0 && r.connections.Load() == 1 {
			go func() {
				_, _ = io.CopyN(near, far, r.cutAfter)
				r.cut()
			}()
		} else {
			go carry(near, far)
		}
	}
}

func carry(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	from.Close()
	to.Close()
}
