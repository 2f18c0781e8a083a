#!/usr/bin/env python3
"""Measures whole processes of the release binary: wall time, CPU time, peak memory.

    cargo build --release && benches/measure.py [start] [plan] [files] [steps] [rate] [sick]
    benches/measure.py shared --state 'postgres://127.0.0.1/bench?schema=bench_{n}'

`shared` measures a state in a shared store: `{n}` in the URL is replaced by a number for each new state.
Credentials come from the environment.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """version: 1
providers:
  chat: {{kind: zim, app_id: 1, operator: admin, endpoint: "{endpoint}", rate_limit: {rate}}}
state: rooms.state.json
policy: {{refresh: never}}
rooms:
"""
STATE_HEAD = (
    '{"version":1,"lineage":"7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44","serial":1,'
    '"providers":{"chat":{"kind":"zim","app_id":1,"emulated":true}},"rooms":{\n'
)


def room(number):
    """Returns one room of rooms.yaml, about 250 bytes."""
    return f"""  - id: room-{number:07}
    name: Room {number} of the fleet
    destroy_delay_time: 3h
    attributes:
      topic: "Welcome to room {number}: be kind to each other, and ask before you post"
      banner: {{value: "Hi! Ask number {number}", auto_delete: true}}
"""


def record(number):
    """Returns the record of the same room."""
    attributes = {
        "banner": {"value": f"Hi! Ask number {number}", "auto_delete": True},
        "topic": {"value": f"Welcome to room {number}: be kind to each other, and ask before you post"},
    }
    name = f"Room {number} of the fleet"
    held = {"name": name, "destroy_delay_time": 10800, "attributes": attributes}
    text = {"room": held, "created": "2026-11-20T10:00:00Z", "source": "rooms.yaml"}
    return f'"chat/room-{number:07}":' + json.dumps(text, separators=(",", ":"))


def write_world(folder, rooms, endpoint="emulator", rate=20, state=False, emulated="true"):
    """Writes rooms.yaml and, if `state` is set, a state with all its rooms."""
    with open(folder / "rooms.yaml", "w") as out:
        out.write(HEAD.format(endpoint=endpoint, rate=rate))
        out.writelines(room(number) for number in range(rooms))
    if state:
        with open(folder / "rooms.state.json", "w") as out:
            out.write(STATE_HEAD.replace('"emulated":true', f'"emulated":{emulated}'))
            for number in range(rooms):
                out.write((",\n" if number else "") + record(number))
            out.write("\n}}\n")


def run(folder, *arguments, expect=(0,), stdout=subprocess.DEVNULL, log=subprocess.DEVNULL):
    """Runs the tool in a folder; returns wall seconds, CPU seconds and peak MB."""
    environment = dict(os.environ, ZEGO_SERVER_SECRET="0" * 32, TENCENT_SECRET_KEY="0" * 64)
    environment.pop("ZIM_ENDPOINT", None)
    start = time.perf_counter()
    child = subprocess.Popen(
        [BINARY, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=stdout, stderr=log,
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in expect:
        sys.exit(f"roomctl {' '.join(arguments)} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(runs):
    return [statistics.median(column) for column in zip(*runs)]


def row(what, runs):
    wall, cpu, peak = median(runs)
    worst = max(one[0] for one in runs)
    print(f"{what:46} {wall:8.3f} s (worst {worst:.3f}) {cpu:8.3f} CPU-s {peak:7.0f} MB", flush=True)


def start(repeat, _sizes):
    with tempfile.TemporaryDirectory() as folder:
        row("--version", [run(folder, "--version") for _ in range(max(repeat, 21))])
    print(f"{'release binary':46} {Path(BINARY).stat().st_size / 1e6:8.1f} MB")


def plan(repeat, sizes):
    for rooms in sizes:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            write_world(folder, rooms, state=True)
            size = (folder / "rooms.yaml").stat().st_size / 1e6
            print(f"{rooms} rooms, {size:.0f} MB of YAML")
            check = subprocess.run([BINARY, "plan"], cwd=folder, capture_output=True, text=True)
            assert f"No changes: {rooms} rooms" in check.stdout, check.stdout[-500:] + check.stderr[-500:]
            row("  plan, everything recorded", [run(folder, "plan") for _ in range(repeat)])
            (folder / "rooms.state.json").unlink()
            row("  plan, nothing recorded", [run(folder, "plan") for _ in range(repeat)])
            row("  validate", [run(folder, "validate") for _ in range(repeat)])


def write_file(path, first, rooms, anchor):
    """Writes a file of rooms; with an anchor the last one has the attributes of the first."""
    texts = [room(first + number) for number in range(rooms)]
    if anchor:
        texts[0] = texts[0].replace("attributes:", "attributes: &all")
        texts[-1] = texts[-1].partition("    attributes:")[0] + "    attributes: *all\n"
    path.write_text("version: 1\nrooms:\n" + "".join(texts))


def files(repeat, _sizes):
    """Measures many files; those with anchors cannot be divided and are parsed whole."""
    for count, rooms, anchor in ((400, 25, True), (800, 25, True), (10_000, 100, False)):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            write_world(folder, 0)
            base = folder / "rooms.yaml"
            base.write_text(base.read_text().replace("rooms:\n", ""))
            (folder / "more").mkdir()
            for number in range(count):
                write_file(folder / "more" / f"{number:05}.yaml", number * rooms, rooms, anchor)
            validate = ("validate", "-f", "rooms.yaml", "-f", "more")
            check = subprocess.run([BINARY, *validate], cwd=folder, capture_output=True, text=True)
            assert check.stdout == f"Valid: {count * rooms} rooms.\n", check.stdout + check.stderr
            what = f"{count} files of {rooms} rooms" + (", an anchor in each" if anchor else "")
            row(f"validate, {what}", [run(folder, *validate) for _ in range(repeat)])


def serve(*arguments):
    """Starts the independent service, and returns it with its URL."""
    service = subprocess.Popen(
        [sys.executable, ROOT / "benches" / "service.py", *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    return service, json.loads(service.stdout.readline())["url"]


def stop(service):
    """Stops the service and returns its counts."""
    service.stdin.close()
    counted = json.loads(service.stdout.readline())
    service.wait()
    return counted


def apply(rooms, rate, latency, jitter, limit, state="rooms.state.json"):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(latency, jitter, limit)
        write_world(folder, rooms, endpoint=url, rate=rate)
        with open(folder / "log", "w") as log:
            figures = run(folder, "--state", state, "apply", "--auto-approve", log=log)
        return figures, stop(service)


def steps(repeat, _sizes):
    """Measures creates without a rate limit or latency: the overhead of the tool itself."""
    for rooms in (1_000, 10_000):
        runs = [apply(rooms, 100_000, 0, 0, 1_000_000)[0] for _ in range(min(repeat, 3))]
        row(f"apply of {rooms} creates, no limit, calls included", runs)


LIVE = """version: 1
providers:
  live: {{kind: tencent-live, app_id: 1, operator: admin, endpoint: "{endpoint}"}}
rooms:
"""
VIDEO = """version: 1
providers:
  video: {{kind: rtc, app_id: 1, endpoint: "{endpoint}"}}
rooms:
"""


def rate_of_live_rooms(rooms=4_000, limit=200):
    """Measures live rooms with metadata, which take two calls each, at 200/s, 80 ± 40 ms."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(0.080, 0.040, limit)
        room = "  - {{id: live-{0:05}, name: Live {0}, seat_template: Karaoke, attributes: {{topic: t{0}}}}}\n"
        (folder / "rooms.yaml").write_text(
            LIVE.format(endpoint=url) + "".join(room.format(number) for number in range(rooms)))
        with open(folder / "log", "w") as log:
            wall, cpu, peak = run(folder, "apply", "--auto-approve", log=log)
        counted = stop(service)
    print(f"apply of {rooms} live rooms with metadata at {limit}/s: {wall:.2f} s, {cpu:.2f} CPU-s, {peak:.0f} MB")
    for call in ("create_room", "set_room_metadata"):
        one = counted[call]
        share = (rooms - 1) / one["span"] / limit
        print(f"  {call}: {share:.1%} of the limit; refused {one['refused']} of {one['received']}; "
              f"busiest second {one['busiest']}")


def rate_of_closes(rooms=20):
    """Measures RTC rooms that are removed from the file: one CloseRoom a second."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(0.080, 0.040, 1)
        file = folder / "rooms.yaml"
        file.write_text(VIDEO.format(endpoint=url) + "".join(f"  - id: video-{n}\n" for n in range(rooms)))
        run(folder, "apply", "--auto-approve")
        file.write_text(VIDEO.format(endpoint=url).rstrip() + " []\n")
        with open(folder / "log", "w") as log:
            wall, _, _ = run(folder, "apply", "--auto-approve", "--allow-destroy", str(rooms), log=log)
        closes = stop(service)["CloseRoom"]
    print(f"close of {rooms} RTC rooms at 1/s: {wall:.2f} s; refused {closes['refused']} of "
          f"{closes['received']}; busiest second {closes['busiest']}; "
          f"{closes['span'] / (rooms - 1):.3f} s from one to the next")


def rate(_repeat, _sizes):
    """Prints what each service counts in a sliding second: 1,000 creates at 20/s, 50 ± 30 ms, and others."""
    rate_of_live_rooms()
    rate_of_closes()
    (wall, cpu, peak), counted = apply(1_000, 20, 0.050, 0.030, 20)
    creates = counted["CreateRoom"]
    least = 999 / 20
    print(f"apply of 1000 creates at 20/s: {wall:.2f} s, {cpu:.2f} CPU-s, {peak:.0f} MB")
    print(f"  first to last call answered {creates['span']:.2f} s = {creates['span'] / least:.4f} x 999/20 s")
    print(f"  whole process {wall / least:.4f} x; refused {creates['refused']} of {creates['received']}; "
          f"busiest second {creates['busiest']}")


def permanent_failure(name, *service_arguments, rooms=200):
    """Measures an `apply` to a service that never recovers, the next `plan`, and a `plan` that queries all."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(0.050, 0.030, *service_arguments)
        write_world(folder, rooms, endpoint=url)
        wall, _, _ = run(folder, "apply", "--auto-approve", expect=(1, 5))
        print(f"{name}: apply of {rooms} creates {wall:.1f} s", flush=True)
        wall, _, _ = run(folder, "plan", "--refresh", "due", expect=(0, 5))
        print(f"{name}: the next plan {wall:.1f} s", flush=True)
        for file in folder.glob("rooms.state.json*"):
            file.unlink()
        write_world(folder, rooms, endpoint=url, state=True, emulated="false")
        wall, _, _ = run(folder, "plan", "--refresh", "all", expect=(5,))
        print(f"{name}: plan that queries {rooms} recorded rooms {wall:.1f} s", flush=True)
        service.kill()


def noise(share, rooms=1_000, rate=20):
    """Measures creates at a service that refuses a random share of all calls."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(0.050, 0.030, rate, "--noise", share)
        write_world(folder, rooms, endpoint=url, rate=rate)
        wall, _, _ = run(folder, "apply", "--auto-approve")
        creates = stop(service)["CreateRoom"]
    print(f"{share:.0%} of calls refused at random: {rooms} creates at {rate}/s in {wall:.1f} s = "
          f"{wall / ((rooms - 1) / rate):.3f} x the limit's time; refused {creates['refused']} of "
          f"{creates['received']}; busiest second {creates['busiest']}", flush=True)


def overload(limit, *then, rooms=600, rate=20):
    """Measures creates at 20/s at a service with a lower limit, permanently or for a while."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, url = serve(0.050, 0.030, limit, *(it for pair in then for it in ("--then", *pair)))
        write_world(folder, rooms, endpoint=url, rate=rate)
        wall, _, _ = run(folder, "apply", "--auto-approve", expect=(0, 5))
        received, admitted = stop(service)["CreateRoom"]["by_second"]
    print(f"{rooms} creates at {rate}/s, limit of the service {limit}/s"
          + "".join(f", from {start} s on {most}/s" for start, most in then) + f": {wall:.1f} s")
    for start in range(0, len(received), 10):
        calls, passed = sum(received[start:start + 10]), sum(admitted[start:start + 10])
        print(f"  {start:3} s on: {passed / 10:5.1f}/s admitted, {(calls - passed) / max(calls, 1):6.1%} refused")


def sick(_repeat, _sizes):
    """Measures services that hang, refuse everything, refuse at random, or have a lower limit."""
    permanent_failure("a service that hangs", 20, "--hang")
    permanent_failure("a service that refuses every call", 0)
    noise(0.05)
    noise(0.10)
    overload(10)
    overload(20, (10, 5), (40, 20), rooms=900)


def shared(repeat, _sizes, rooms=100_000):
    """Measures a state in a shared store."""
    states = (STATE.replace("{n}", str(number)) for number in range(1, 1_000))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_world(folder, rooms, state=True)
        state = next(states)
        print(f"{rooms} rooms in {state}")
        row("  state migrate, from a file", [run(folder, "state", "migrate", "rooms.state.json", state)])
        listed = [run(folder, "--state", state, "state", "show", "chat/room-0000001") for _ in range(repeat)]
        row("  state show: load", listed)
        row("  plan", [run(folder, "--state", state, "plan") for _ in range(repeat)])
        removed = [
            run(folder, "--state", state, "state", "rm", f"chat/room-{number:07}", "--auto-approve")
            for number in range(repeat)
        ]
        row("  state rm of one: load, fold, release", removed)
        moves = [("chat/", "talk/"), ("talk/", "chat/")]
        moved = [run(folder, "--state", state, "state", "mv", *move) for move in moves]
        row("  state mv of all: load, append, fold", moved)
        row("  state pull", [run(folder, "--state", state, "state", "pull") for _ in range(repeat)])
    for count in (1_000, 10_000):
        runs = [apply(count, 100_000, 0, 0, 1_000_000, next(states))[0] for _ in range(min(repeat, 3))]
        row(f"apply of {count} creates, no limit, calls included", runs)


PARTS = {"start": start, "plan": plan, "files": files, "steps": steps, "rate": rate, "sick": sick, "shared": shared}

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parts", nargs="*", choices=list(PARTS), default=[part for part in PARTS if part != "shared"])
    arguments.add_argument("--binary", default=ROOT / "target" / "release" / "roomctl")
    arguments.add_argument("--repeat", type=int, default=5)
    arguments.add_argument("--rooms", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--state", help="the URL of the state that `shared` measures")
    chosen = arguments.parse_args()
    if "shared" in chosen.parts and not chosen.state:
        arguments.error("shared: --state is missing")
    STATE = chosen.state
    BINARY = str(Path(chosen.binary).resolve())
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    for part in chosen.parts:
        PARTS[part](chosen.repeat, chosen.rooms)
    print(f"load {os.getloadavg()[0]:.1f} after")
