"""A name server that knows one address for every name (RFC 1035): dns.py ADDRESS. Other types than
A have no answer. It counts nothing, and listens on all addresses of its host, port 53."""
import json
import socket
import struct
import sys

ADDRESS = socket.inet_aton(sys.argv[1])
TYPE_A, CLASS_IN = 1, 1

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 53))
print(json.dumps({"event": "started"}), flush=True)
while True:
    query, client = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    (kind,) = struct.unpack("!H", question[-4:-2])
    count = 1 if kind == TYPE_A else 0
    # Response, recursion desired and available, no error (section 4.1.1).
    answer = query[:2] + struct.pack("!5H", 0x8180, 1, count, 0, 0) + question
    if count:
        # The name is the question's (section 4.1.4); it may be kept for no time.
        answer += struct.pack("!HHHIH", 0xC00C, TYPE_A, CLASS_IN, 0, 4) + ADDRESS
    server.sendto(answer, client)
