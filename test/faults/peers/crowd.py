"""Hundreds of TCP peers over Python's socket and selectors modules, under control of a scenario, as
peer.py is: each answers everything with the same bytes, until it is told to rest, to reset or to
close."""

import json
import os
import selectors
import socket
import struct
import sys

CHUNK = 65536

selector = selectors.DefaultSelector()
listener = None
# Connections with what waits to be sent; who rests does not read.
peers = {}
resting = set()


def interest(connection):
    """Who has something to send reads nothing more until it is sent."""
    if peers[connection]:
        wanted = selectors.EVENT_WRITE
    else:
        wanted = 0 if connection in resting else selectors.EVENT_READ
    registered = connection in selector.get_map()
    if wanted == 0:
        if registered:
            selector.unregister(connection)
    elif registered:
        selector.modify(connection, wanted, serve)
    else:
        selector.register(connection, wanted, serve)


def forget(connection):
    if connection in selector.get_map():
        selector.unregister(connection)
    peers.pop(connection)
    resting.discard(connection)
    connection.close()


def serve(connection, mask):
    try:
        if mask & selectors.EVENT_READ:
            chunk = connection.recv(CHUNK)
            if not chunk:
                forget(connection)
                return
            peers[connection] += chunk
        sent = connection.send(peers[connection])
        del peers[connection][:sent]
    except BlockingIOError:
        pass
    except OSError:
        forget(connection)
        return
    interest(connection)


def take(_, mask):
    connection = listener.accept()[0]
    connection.setblocking(False)
    peers[connection] = bytearray()
    interest(connection)


def listen(command):
    global listener
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if command.get("receiveBuffer"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, command["receiveBuffer"])
    listener.bind(("0.0.0.0", command["port"]))
    listener.listen(512)
    selector.register(listener, selectors.EVENT_READ, take)


def chosen(command):
    return list(peers)[: command.get("count")]


def rest(command):
    """Reads nothing more."""
    for connection in chosen(command):
        resting.add(connection)
        interest(connection)


def resume(command):
    for connection in list(resting):
        resting.discard(connection)
        interest(connection)


def reset(command):
    """RST: close(2) with SO_LINGER of 0."""
    for connection in chosen(command):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        forget(connection)


def close(command):
    """close(2) and nothing else."""
    for connection in chosen(command):
        forget(connection)


def count(command):
    return {"open": len(peers), "descriptors": len(os.listdir("/proc/self/fd"))}


OPERATIONS = {
    "listen": listen,
    "rest": rest,
    "resume": resume,
    "reset": reset,
    "close": close,
    "count": count,
}

partial = b""


def obey(source, mask):
    global partial
    chunk = os.read(source.fileno(), CHUNK)
    if not chunk:
        sys.exit()
    *lines, partial = (partial + chunk).split(b"\n")
    for line in lines:
        order = json.loads(line)
        try:
            answer = OPERATIONS[order["op"]](order) or {}
        except Exception as failure:  # Told to the scenario, whatever it is.
            answer = {"error": repr(failure)}
        print(json.dumps({"id": order["id"], **answer}), flush=True)


selector.register(sys.stdin, selectors.EVENT_READ, obey)
print(json.dumps({"event": "started"}), flush=True)
while True:
    for key, mask in selector.select():
        # Who was closed by a command in this round is no longer there.
        if key.data is not serve or key.fileobj in peers:
            key.data(key.fileobj, mask)
