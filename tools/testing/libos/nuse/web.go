// SPDX-License-Identifier: GPL-2.0

// web.go - a web server and its clients in one program, with a runtime of its
// own: raw system calls, goroutines on many threads, epoll, signals, children.
// Without arguments both; "serve ADDRESS" and "get URL" are one each.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	clients = 8
	visits  = 20
	size    = 100000
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "web.go:", err)
		os.Exit(1)
	}
}

func page(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s\n%s", r.URL.Path, strings.Repeat("x", size))
}

func get(client *http.Client, url, path string) {
	answer, err := client.Get(url + path)
	check(err)
	body, err := io.ReadAll(answer.Body)
	check(err)
	answer.Body.Close()
	if answer.StatusCode != 200 || !strings.HasPrefix(string(body), path+"\n") ||
		len(body) != len(path)+1+size {
		check(fmt.Errorf("%s%s: %s, %d bytes", url, path, answer.Status, len(body)))
	}
}

// Each client has connections of its own and keeps them.
func getAll(url string) {
	var all sync.WaitGroup
	for c := 0; c < clients; c++ {
		all.Add(1)
		go func(c int) {
			defer all.Done()
			client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			for v := 0; v < visits; v++ {
				get(client, url, fmt.Sprintf("/%d/%d", c, v))
			}
			client.CloseIdleConnections()
		}(c)
	}
	all.Wait()
}

func interfaces() {
	all, err := net.Interfaces()
	check(err)
	for _, i := range all {
		fmt.Println(i.Name)
	}
}

func children() {
	for i := 0; i < 5; i++ {
		out, err := exec.Command("ip", "-br", "link", "show", "lo").CombinedOutput()
		check(err)
		if !strings.HasPrefix(string(out), "lo ") {
			check(fmt.Errorf("ip says %q", out))
		}
	}
}

func datagrams() {
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	defer a.Close()
	b, err := net.Dial("udp", a.LocalAddr().String())
	check(err)
	defer b.Close()
	buffer := make([]byte, 100)
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, _, err = a.ReadFrom(buffer); err == nil || !err.(net.Error).Timeout() {
		check(fmt.Errorf("no timeout: %v", err))
	}
	a.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = b.Write([]byte("datagram"))
	check(err)
	n, _, err := a.ReadFrom(buffer)
	check(err)
	if string(buffer[:n]) != "datagram" {
		check(fmt.Errorf("got %q", buffer[:n]))
	}
}

func main() {
	http.HandleFunc("/", page)
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		check(http.ListenAndServe(os.Args[2], nil))
	}
	if len(os.Args) == 3 {
		getAll(os.Args[2])
		fmt.Println("ok")
		return
	}
	interfaces()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{}
	go server.Serve(listener)
	getAll("http://" + listener.Addr().String())
	datagrams()
	children()
	check(server.Shutdown(context.Background()))
	fmt.Println("ok")
}
