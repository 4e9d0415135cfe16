// Echoes WebSocket messages by github.com/gorilla/websocket, as a server or as a client.
// Arguments: serve or connect, deflate or plain, and a URL for connect.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

func echo(connection *websocket.Conn) {
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if end, ok := err.(*websocket.CloseError); ok {
			fmt.Println("closed", end.Code, end.Text)
			return
		}
		if err != nil {
			fmt.Println("failed", err)
			return
		}
		if kind == websocket.TextMessage && string(message) == "close" {
			reason := websocket.FormatCloseMessage(4002, "by the peer")
			deadline := time.Now().Add(5 * time.Second)
			err = connection.WriteControl(websocket.CloseMessage, reason, deadline)
		} else {
			err = connection.WriteMessage(kind, message)
		}
		if err != nil {
			fmt.Println("failed", err)
			return
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	compresses := os.Args[2] == "deflate"
	if os.Args[1] == "connect" {
		dialer := websocket.Dialer{EnableCompression: compresses}
		connection, _, err := dialer.Dial(os.Args[3], nil)
		if err != nil {
			fail(err)
		}
		echo(connection)
		return
	}
	upgrader := websocket.Upgrader{EnableCompression: compresses}
	handler := func(writer http.ResponseWriter, request *http.Request) {
		connection, err := upgrader.Upgrade(writer, request, nil)
		if err != nil {
			fail(err)
		}
		echo(connection)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	fail(http.Serve(listener, http.HandlerFunc(handler)))
}
