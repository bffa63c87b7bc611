#!/usr/bin/env python3
"""Plots throughput against file size and against number of clients, and seconds against number of files, of a cluster of its own, into docs/pictures.

usage: bench/plots.py [--size-mib-max 1024] [--files-max 30000]      (ports from 7550 on must be free; needs a Release build and python3-matplotlib)
"""
import argparse, concurrent.futures, os, random, shutil, signal, subprocess, tempfile, time
from pathlib import Path

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
PORT = 7550


def client(work, root, *arguments):
    """Runs a documented command and returns its seconds of wall time. What was written before is on the disk by then."""
    os.sync()
    started = time.monotonic()
    subprocess.run(["dotnet", ROOT / "Backup.Client/bin/Release/net10.0/Backup.Client.dll", "--server", f"http://localhost:{PORT + 1}", "--root", root, *arguments],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(work / "home")})
    return time.monotonic() - started


def by_size(work, mib_max):
    """One file of each size: MiB/s of its backup and of its restore, the start of the client included."""
    points, kib = [], 64
    while kib <= mib_max << 10:
        root = work / f"size-{kib}"
        root.mkdir()
        with open(root / "file", "wb") as f:
            for _ in range(max(1, kib >> 10)):
                f.write(os.urandom(min(kib, 1024) << 10))
        there = client(work, root, "backup")
        back = client(work, root, "restore", "file", "--to", str(work / f"back-{kib}"))
        shutil.rmtree(work / f"back-{kib}")
        points.append((kib / 1024, kib / 1024 / there, kib / 1024 / back))
        print(f"{kib / 1024:10.3f} MiB: backup {points[-1][1]:8.1f} MiB/s, restore {points[-1][2]:8.1f} MiB/s", flush=True)
        kib *= 4
    return points


def by_count(work, files_max):
    """Trees of files of about 9 KiB: seconds of the first backup and of the same again."""
    points, count = [], 100
    while count <= files_max:
        root = work / f"count-{count}"
        for i in range(count):
            folder = root / f"{i // 100:03}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i}.dat").write_bytes(random.randbytes(random.randrange(1, 18_000)))
        points.append((count, client(work, root, "backup"), client(work, root, "backup")))
        print(f"{count:10} files: first {points[-1][1]:6.2f} s, again {points[-1][2]:6.2f} s", flush=True)
        count = count * 3 if str(count)[0] == "1" else count // 3 * 10
    return points


def by_clients(work, mib):
    """So many clients at once, each with a root of its own and one new file in it: MiB/s of all together."""
    points = []
    for count in (1, 2, 4, 8):
        roots = [work / f"clients-{count}-{i}" for i in range(count)]
        for root in roots:
            root.mkdir()
            (root / "file").write_bytes(os.urandom(mib << 20))
        os.sync()
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(count) as at_once:
            list(at_once.map(lambda root: client(work, root, "backup"), roots))
        points.append((count, count * mib / (time.monotonic() - started)))
        print(f"{count:10} clients: {points[-1][1]:8.1f} MiB/s", flush=True)
    return points


def plot(name, title, x, y, points, lines, scale="log"):
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for i, label in enumerate(lines, 1):
        axes.plot([p[0] for p in points], [p[i] for p in points], marker="o", label=label)
    axes.set(title=title, xlabel=x, ylabel=y, xscale=scale, yscale=scale)
    if scale == "linear":
        axes.set(xticks=[p[0] for p in points], ylim=(0, None))
    axes.grid(True, which="major", alpha=0.4)
    axes.legend()
    figure.savefig(ROOT / "docs/pictures" / name, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size-mib-max", type=int, default=1024)
    parser.add_argument("--files-max", type=int, default=30_000)
    chosen = parser.parse_args()
    random.seed(1)
    work = Path(tempfile.mkdtemp())
    (work / "home").mkdir()
    with open(work / "log", "w") as log:
        cluster = subprocess.Popen(["dotnet", "run", "-c", "Release", "--no-build", "--project", ROOT / "Backup.AppHost", "--", "--Cluster:Nodes=3",
                                    f"--Cluster:BasePort={PORT}", f"--Cluster:DataDirectory={work}/data"], stdout=log, stderr=log, start_new_session=True)
    try:
        while "The cluster is ready" not in (work / "log").read_text():
            if cluster.poll() is not None:
                raise SystemExit((work / "log").read_text())
            time.sleep(0.5)
        plot("throughput-by-size.svg", "One file, two copies", "MiB", "MiB/s", by_size(work, chosen.size_mib_max), ["backup", "restore"])
        plot("seconds-by-files.svg", "Files of 9 KiB, two copies", "files", "seconds", by_count(work, chosen.files_max), ["first backup", "the same again"])
        plot("throughput-by-clients.svg", "Clients at once, 256 MiB each, two copies", "clients", "MiB/s", by_clients(work, 256), ["backup"], "linear")
    finally:
        os.killpg(cluster.pid, signal.SIGTERM)
        cluster.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
