#!/usr/bin/env python3
"""A stand-in for the services that shares nothing with roomctl: made to count, not to be faithful.

    service.py LATENCY JITTER LIMIT      seconds, seconds, calls of one action in any second

Prints where it listens as a JSON line; once its stdin ends, what it counted as another. A call takes
LATENCY plus or minus JITTER, evenly spread: one half passes before the call is counted, one after.
"""
import asyncio
import json
import random
import sys
from collections import defaultdict, deque
from urllib.parse import parse_qs, urlsplit

LATENCY, JITTER, LIMIT = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
rooms = {}
accepted = defaultdict(list)   # when calls of an action were let in
window = defaultdict(deque)    # those of the last second
refused = defaultdict(int)


def judge(action, now):
    """Counts in a sliding second; refuses what is over the limit."""
    last = window[action]
    while last and last[0] <= now - 1.0:
        last.popleft()
    if len(last) >= LIMIT:
        refused[action] += 1
        return {"Code": 660300005, "Message": "too often", "ErrorCode": 60019}
    last.append(now)
    accepted[action].append(now)
    return None


def work(action, query, body):
    if action == "CreateRoom":
        asked = json.loads(body)
        if asked["RoomId"] in rooms:
            return {"Code": 660300014, "Message": "room exists"}
        rooms[asked["RoomId"]] = asked
        return {"Code": 0, "Message": "success", "AttributeSeq": len(asked.get("Attributes", []))}
    if action in ("UserRegister", "CloseRoom"):
        return {"Code": 0, "Message": "success"}
    if action in ("create_room", "set_room_metadata", "account_import"):
        return {"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""}
    return {"Code": 2, "ErrorCode": 100002, "Message": f"not measured: {action}"}


async def half():
    if LATENCY or JITTER:
        await asyncio.sleep(max(0.0, LATENCY + random.uniform(-JITTER, JITTER)) / 2)


async def connection(reader, writer):
    loop = asyncio.get_running_loop()
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *headers = head.split("\r\n")
            named = dict(header.lower().split(": ", 1) for header in headers if header)
            body = await reader.readexactly(int(named.get("content-length", 0)))
            target = urlsplit(line.split(" ")[1])
            query = parse_qs(target.query)
            # ZEGOCLOUD's actions stand in the query, Tencent's commands in the path.
            action = query.get("Action", [target.path.rsplit("/", 1)[-1]])[0]
            await half()
            answer = judge(action, loop.time()) or work(action, query, body)
            await half()
            text = json.dumps(answer | {"RequestId": "r"}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(text) + text)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def busiest(times):
    most, first = 0, 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


async def main():
    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{port}/"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    counted = {
        action: {
            "asked": len(times) + refused[action], "refused": refused[action],
            "busiest": busiest(times), "span": times[-1] - times[0],
        }
        for action, times in accepted.items()
    }
    print(json.dumps(counted), flush=True)


asyncio.run(main())
