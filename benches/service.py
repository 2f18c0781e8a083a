#!/usr/bin/env python3
"""A simulation of the services that shares no code with roomctl. It counts calls and is not complete.

    service.py LATENCY JITTER LIMIT      seconds, seconds, calls of one action in any second
        --noise SHARE                    refuses a random share of all calls as too often
        --hang                           accepts every call and never answers
        --then SECONDS LIMIT             another limit, SECONDS after the first call

Prints its URL as a JSON line and, when its stdin ends, its counts as another. A call takes LATENCY plus
or minus JITTER, uniformly distributed: one half before the call is counted, and one after.
"""
import argparse
import asyncio
import json
import random
import sys
from collections import defaultdict, deque
from urllib.parse import parse_qs, urlsplit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("latency", type=float)
parser.add_argument("jitter", type=float)
parser.add_argument("limit", type=int)
parser.add_argument("--noise", type=float, default=0.0)
parser.add_argument("--hang", action="store_true")
parser.add_argument("--then", type=float, nargs=2, action="append", default=[])
OPTIONS = parser.parse_args()
LATENCY, JITTER = OPTIONS.latency, OPTIONS.jitter
rooms = {}
received = defaultdict(list)   # when calls of an action were received
accepted = defaultdict(list)   # when calls of an action were admitted
window = defaultdict(deque)    # the admitted calls of the last second
first = None
NEVER = asyncio.Event()


def limit(now):
    """Returns the present limit."""
    since = now - first
    return next((int(most) for start, most in reversed(OPTIONS.then) if since >= start), OPTIONS.limit)


def admit(action, now):
    """Counts a call in a sliding second; returns a refusal over the limit, or at random."""
    global first
    first = first or now
    received[action].append(now)
    last = window[action]
    while last and last[0] <= now - 1.0:
        last.popleft()
    if len(last) >= limit(now) or random.random() < OPTIONS.noise:
        return {"Code": 660300005, "Message": "too often", "ErrorCode": 60019}
    last.append(now)
    accepted[action].append(now)
    return None


def work(action, query, body):
    if action == "CreateRoom":
        request = json.loads(body)
        if request["RoomId"] in rooms:
            return {"Code": 660300014, "Message": "room exists"}
        rooms[request["RoomId"]] = request
        return {"Code": 0, "Message": "success", "AttributeSeq": len(request.get("Attributes", []))}
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
            # ZEGOCLOUD's actions are in the query, Tencent's commands in the path.
            action = query.get("Action", [target.path.rsplit("/", 1)[-1]])[0]
            await half()
            answer = admit(action, loop.time()) or work(action, query, body)
            if OPTIONS.hang:
                await NEVER.wait()
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


def by_second(times):
    """Returns the number of calls in each second after the first call of any action."""
    counts = [0] * (int(max(times[-1:] or [first]) - first) + 1)
    for time in times:
        counts[int(time - first)] += 1
    return counts


async def main():
    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{port}/"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    counted = {
        action: {
            "received": len(times), "refused": len(times) - len(accepted[action]),
            "busiest": busiest(accepted[action]), "span": times[-1] - times[0],
            "by_second": [by_second(times), by_second(accepted[action])],
        }
        for action, times in received.items()
    }
    print(json.dumps(counted), flush=True)


asyncio.run(main())
