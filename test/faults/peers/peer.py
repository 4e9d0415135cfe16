"""A TCP peer over Python's socket module, under control of a scenario: commands come as lines of
JSON, each is answered with one. Blocking, and one connection at a time: nothing is read, accepted
or closed unless a command says so. With "websocket" in its command a connection speaks as much of
RFC 6455 as a scenario needs: the upgrade, binary messages, Close."""

import base64
import fcntl
import hashlib
import json
import os
import socket
import struct
import sys
import termios
import time

BINARY, CLOSE = 2, 8
ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

listener = None
peers = []


def pattern(offset, length):
    return bytes(((at % 251) + at // 251) & 0xFF for at in range(offset, offset + length))


class Plain:
    """Bytes as they are."""

    close_code = None

    def __init__(self, connection):
        self.connection = connection

    def read(self, most):
        return self.connection.recv(most)

    def frame(self, payload):
        return payload

    def close(self):
        self.connection.close()


class WebSocket:
    """Messages, RFC 6455 section 5.2; their borders do not count."""

    def __init__(self, connection, is_client):
        self.connection = connection
        self.is_client = is_client
        self.left = 0
        self.mask = None
        self.at = 0
        self.close_code = None
        if is_client:
            self.ask()
        else:
            self.answer()

    def head(self):
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            byte = self.connection.recv(1)
            if not byte:
                raise ConnectionError("no head")
            text += byte
        return text

    def ask(self):
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall(
            f"GET / HTTP/1.1\r\nHost: peer\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        if b" 101 " not in self.head().split(b"\r\n")[0]:
            raise ConnectionError("refused")

    def answer(self):
        for line in self.head().split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"sec-websocket-key":
                digest = hashlib.sha1(value.strip() + ACCEPT_KEY).digest()
                accept = base64.b64encode(digest).decode()
        self.connection.sendall(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    def exactly(self, size):
        got = b""
        while len(got) < size:
            chunk = self.connection.recv(size - len(got))
            if not chunk:
                return None
            got += chunk
        return got

    def read(self, most):
        while self.left == 0:
            first = self.exactly(2)
            if first is None:
                return b""
            opcode, size = first[0] & 15, first[1] & 127
            if size > 125:
                more = self.exactly(2 if size == 126 else 8)
                size = int.from_bytes(more, "big")
            self.mask = self.exactly(4) if first[1] & 128 else None
            if opcode > 7:
                payload = self.unmasked(self.exactly(size), 0)
                if opcode == CLOSE:
                    if self.close_code is None:
                        self.connection.sendall(self.frame(payload, CLOSE))
                    self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
                    return b""
                continue
            self.left, self.at = size, 0
        chunk = self.connection.recv(min(most, self.left))
        payload = self.unmasked(chunk, self.at)
        self.left -= len(chunk)
        self.at += len(chunk)
        return payload

    def unmasked(self, chunk, at):
        if self.mask is None or not chunk:
            return chunk
        turned = (self.mask * 2)[at % 4 : at % 4 + 4]
        key = int.from_bytes((turned * (len(chunk) // 4 + 1))[: len(chunk)], "big")
        return (int.from_bytes(chunk, "big") ^ key).to_bytes(len(chunk), "big")

    def frame(self, payload, opcode=BINARY):
        size = len(payload)
        masked = 128 if self.is_client else 0
        if size < 126:
            head = bytes([128 | opcode, masked | size])
        elif size < 65536:
            head = bytes([128 | opcode, masked | 126]) + struct.pack(">H", size)
        else:
            head = bytes([128 | opcode, masked | 127]) + struct.pack(">Q", size)
        # A mask of zeros changes nothing (section 5.3 wants one that cannot be foretold, of browsers).
        return head + (bytes(4) if masked else b"") + payload

    def close(self):
        """Close, and TCP when the other has said it too."""
        self.connection.sendall(self.frame(struct.pack(">H", 1000), CLOSE))
        said, self.close_code = self.close_code, self.close_code or 1000
        while said is None and self.read(65536):
            pass
        self.connection.close()


class Peer:
    def __init__(self, connection, command, is_client):
        connection.settimeout(60)
        self.connection = connection
        speaks = command.get("websocket", False)
        self.stream = WebSocket(connection, is_client) if speaks else Plain(connection)
        self.hash = hashlib.sha256()
        self.received = 0
        self.sent = 0


def make(connection, command, is_client=False):
    peers.append(Peer(connection, command, is_client))
    return {"peer": len(peers) - 1}


def listen(command):
    global listener
    is_ipv6 = command.get("family") == 6
    listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if command.get("receiveBuffer"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, command["receiveBuffer"])
    listener.bind(("::" if is_ipv6 else "0.0.0.0", command["port"]))
    listener.listen(command.get("backlog", 16))


def accept(command):
    listener.settimeout(60)
    return make(listener.accept()[0], command)


def connect(command):
    connection = socket.create_connection((command["address"], command["port"]))
    return make(connection, command, True)


def of(command):
    return peers[command.get("peer", 0)]


def send(command):
    peer = of(command)
    peer.connection.sendall(peer.stream.frame(pattern(peer.sent, command["bytes"])))
    peer.sent += command["bytes"]


def receive(command):
    """Reads that many bytes, or until the end or an error."""
    peer = of(command)
    error = None
    ended = False
    wanted = peer.received + command.get("bytes", 1 << 60)
    try:
        while peer.received < wanted:
            chunk = peer.stream.read(min(65536, wanted - peer.received))
            if not chunk:
                ended = True
                break
            peer.hash.update(chunk)
            peer.received += len(chunk)
    except OSError as failure:
        error = failure.errno or "timeout"
    return {
        "bytes": peer.received,
        "sha256": peer.hash.hexdigest(),
        "ended": ended,
        "closeCode": peer.stream.close_code,
        "errno": error,
    }


def options(command):
    """Sets options by their names in the socket module."""
    for name, value in command["options"].items():
        level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
        of(command).connection.setsockopt(level, getattr(socket, name), value)


def fill(command):
    """Sends until neither this kernel nor the peer's takes more. The rest of a frame is lost."""
    peer = of(command)
    peer.connection.setblocking(False)
    sent = 0
    pauses = 0
    left = b""
    while pauses < 10:
        left = left or peer.stream.frame(bytes(65536))
        try:
            taken = peer.connection.send(left)
            left = left[taken:]
            sent += taken
            pauses = 0
        except BlockingIOError:
            pauses += 1
            time.sleep(0.02)
    peer.connection.settimeout(60)
    return {"bytes": sent}


def shutdown(command):
    of(command).connection.shutdown(socket.SHUT_WR)


def close(command):
    of(command).stream.close()


def drop(command):
    """close(2) and nothing else."""
    of(command).connection.close()


def unacknowledged(connection):
    """tcp(7): SIOCOUTQ, which is TIOCOUTQ."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]


def reset(command):
    """RST. With `acknowledged` once all that was sent has arrived, which a reset would drop else."""
    connection = of(command).connection
    while command.get("acknowledged") and unacknowledged(connection) > 0:
        time.sleep(0.001)
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
    "drop": drop,
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
