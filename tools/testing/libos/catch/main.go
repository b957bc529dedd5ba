// SPDX-License-Identifier: GPL-2.0
//
// main.go - a program with a runtime of its own: static, threads by clone, small
// stacks, signal stacks, and a signal for preemption every few milliseconds.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const caught = 4242

func check(ok bool, format string, args ...interface{}) {
	if !ok {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
}

// Deep stacks make the runtime move them, with calls at every depth.
func deep(n int) int {
	var room [100]byte
	room[n%100] = byte(n)
	if n == 0 || syscall.Getppid() != caught {
		return int(room[0])
	}
	return deep(n-1) + int(room[n%100]) - n%256
}

func calls(done *sync.WaitGroup) {
	defer done.Done()
	buf := make([]byte, 3)
	for i := 0; i < 300; i++ {
		check(os.Getppid() == caught, "getppid %d", os.Getppid())
		n, err := syscall.Read(600, buf)
		check(n == 3 && string(buf) == "abc", "read %d %v", n, err)
		deep(i % 50)
		if i%50 == 0 {
			runtime.GC()
		}
	}
}

func connections(done *sync.WaitGroup) {
	defer done.Done()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err == nil, "listen: %v", err)
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			go io.Copy(peer, peer)
		}
	}()
	for i := 0; i < 30; i++ {
		c, err := net.Dial("tcp", listener.Addr().String())
		check(err == nil, "dial: %v", err)
		c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "hello")
		buf := make([]byte, 5)
		_, err = io.ReadFull(c, buf)
		check(err == nil && string(buf) == "hello", "echo: %v", err)
		c.Close()
	}
	listener.Close()
}

func signals(done *sync.WaitGroup) {
	defer done.Done()
	seen := make(chan os.Signal, 100)
	signal.Notify(seen, syscall.SIGUSR1, syscall.SIGSYS)
	for i := 0; i < 20; i++ {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-seen
	}
	syscall.Kill(os.Getpid(), syscall.SIGSYS)
	check(<-seen == syscall.SIGSYS, "no SIGSYS")
}

func children(done *sync.WaitGroup) {
	defer done.Done()
	for i := 0; i < 5; i++ {
		out, err := exec.Command("/bin/sh", "-c", "echo $PPID").Output()
		check(err == nil && strings.TrimSpace(string(out)) == "4242", "child: %s %v", out, err)
	}
}

func main() {
	var done sync.WaitGroup
	exe, err := os.Executable()
	check(err == nil && strings.Contains(exe, "catch-go"), "executable: %s %v", exe, err)
	for i := 0; i < 20; i++ {
		done.Add(1)
		go calls(&done)
	}
	done.Add(3)
	go connections(&done)
	go signals(&done)
	go children(&done)
	done.Wait()
	fmt.Println("fine")
}
