"""Echoes WebSocket messages by the package python3-websockets, as a server or as a client.

Arguments: serve or connect, deflate or plain, and a URL for connect.
"""

import asyncio
import sys

import websockets

ROLE, COMPRESSION = sys.argv[1:3]
OPTIONS = {
    "compression": "deflate" if COMPRESSION == "deflate" else None,
    "max_size": None,
    "ping_interval": None,
}


async def echo(socket, *_):
    try:
        async for message in socket:
            if message == "close":
                await socket.close(4002, "by the peer")
                break
            await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    print("closed", socket.close_code, socket.close_reason, flush=True)


async def main():
    if ROLE == "connect":
        async with websockets.connect(sys.argv[3], **OPTIONS) as socket:
            await echo(socket)
        return
    async with websockets.serve(echo, "127.0.0.1", 0, **OPTIONS) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
