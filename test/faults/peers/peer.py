"""A TCP peer over Python's socket module, under control of a scenario: commands come as lines of
JSON, each is answered with one. Blocking, and one connection at a time: nothing is read, accepted
or closed unless a command says so."""

import hashlib
import json
import socket
import struct
import sys
import time

listener = None
peers = []
hashes = {}


def pattern(offset, length):
    return bytes(((at % 251) + at // 251) & 0xFF for at in range(offset, offset + length))


def make(connection):
    connection.settimeout(60)
    peers.append(connection)
    hashes[connection] = [hashlib.sha256(), 0, 0]
    return {"peer": len(peers) - 1}


def listen(command):
    global listener
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if command.get("receiveBuffer"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, command["receiveBuffer"])
    listener.bind(("0.0.0.0", command["port"]))
    listener.listen(command.get("backlog", 16))


def accept(_):
    listener.settimeout(60)
    return make(listener.accept()[0])


def connect(command):
    return make(socket.create_connection((command["address"], command["port"])))


def of(command):
    return peers[command.get("peer", 0)]


def send(command):
    connection = of(command)
    state = hashes[connection]
    connection.sendall(pattern(state[2], command["bytes"]))
    state[2] += command["bytes"]


def receive(command):
    """Reads that many bytes, or until the end or an error."""
    connection = of(command)
    state = hashes[connection]
    error = None
    ended = False
    wanted = state[1] + command.get("bytes", 1 << 60)
    try:
        while state[1] < wanted:
            chunk = connection.recv(min(65536, wanted - state[1]))
            if not chunk:
                ended = True
                break
            state[0].update(chunk)
            state[1] += len(chunk)
    except OSError as failure:
        error = failure.errno or "timeout"
    return {
        "bytes": state[1],
        "sha256": state[0].hexdigest(),
        "ended": ended,
        "errno": error,
    }


def options(command):
    """Sets options by their names in the socket module."""
    for name, value in command["options"].items():
        level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
        of(command).setsockopt(level, getattr(socket, name), value)


def fill(command):
    """Sends until neither this kernel nor the peer's takes more."""
    connection = of(command)
    connection.setblocking(False)
    sent = 0
    pauses = 0
    while pauses < 10:
        try:
            sent += connection.send(bytes(65536))
            pauses = 0
        except BlockingIOError:
            pauses += 1
            time.sleep(0.02)
    connection.settimeout(60)
    return {"bytes": sent}


def shutdown(command):
    of(command).shutdown(socket.SHUT_WR)


def close(command):
    of(command).close()


def reset(command):
    connection = of(command)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


OPERATIONS = {
    "listen": listen,
    "accept": accept,
    "connect": connect,
    "options": options,
    "fill": fill,
    "send": send,
    "receive": receive,
    "shutdown": shutdown,
    "close": close,
    "reset": reset,
}

print(json.dumps({"event": "started"}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = OPERATIONS[order["op"]](order) or {}
    except Exception as failure:  # Told to the scenario, whatever it is.
        answer = {"error": repr(failure)}
    print(json.dumps({"id": order["id"], **answer}), flush=True)
