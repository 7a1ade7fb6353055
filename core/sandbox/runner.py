"""The sandbox as one process: both Regions' APIs in one event loop, both object storages as its children."""

import asyncio
import contextlib
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
from pydantic import SecretStr

from core.sandbox import seed
from core.sandbox.api_log import ApiLog
from core.sandbox.app import Api
from core.sandbox.control_api import Control
from core.sandbox.faults import Faults
from core.sandbox.free_ports import LOOPBACK
from core.sandbox.info import REGIONS, api_port, storage_port, write_info
from core.sandbox.places import WEST
from core.sandbox.requests import answer_due
from core.sandbox.single import Busy, alone
from core.sandbox.spec import load_spec
from core.sandbox.storage import StorageError
from core.sandbox.stores import Stores
from core.sandbox.world import World, load_world, now
from core.settings import Settings

_FOLLOW_SECONDS = 0.5
_END_SECONDS = 2


class StartError(Exception):
    """The sandbox cannot start. The text is one line for the user."""


def serve(settings: Settings, ready: Callable[[], None] | None = None) -> int:
    """Run the sandbox until SIGINT or SIGTERM, then end its children. `ready` is called when all of it answers and
    `sandbox.json` is written. Returns the exit code; what keeps it from starting is one line on stderr."""
    try:
        with alone(settings), contextlib.ExitStack() as stack:
            sockets = {region: stack.enter_context(_bound(api_port(settings, region))) for region in REGIONS}
            for region in REGIONS:
                _bound(storage_port(settings, region)).close()
            asyncio.run(_Sandbox(settings).run(sockets, ready))
    except Busy:
        return _refuse("The sandbox of this home folder runs already.")
    except (StartError, StorageError) as error:
        return _refuse(str(error))
    return 0


def _refuse(words: str) -> int:
    sys.stderr.write(f"{words}\n")
    return 1


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio turns off the wait for more to send, which would cost 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise StartError(
            f"Port {port} of {LOOPBACK} is taken. Stop what uses it, or choose others with ONBOARDING_SANDBOX_PORT."
        ) from None
    return listener


class _Server(uvicorn.Server):
    """A server that leaves the signals to the sandbox, which ends both servers and the storages."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Sandbox:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.sandbox_state
        self._world = self._load()
        self._log = ApiLog(self._folder / "api-log.jsonl")
        self._faults = Faults()
        self._stores = Stores(settings)
        self._token = SecretStr(secrets.token_urlsafe(32))
        self._changed = asyncio.Event()
        self._working = asyncio.Lock()
        spec = load_spec(self._folder)
        hosts = {region: f"{LOOPBACK}:{api_port(settings, region)}" for region in REGIONS}
        self._apis = [
            Api(region, self._world, spec, self._log, self._faults, hosts, self._after_change) for region in REGIONS
        ]

    async def run(self, sockets: dict[str, socket.socket], ready: Callable[[], None] | None) -> None:
        """Start everything, wait for the signal, end everything."""
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ending.set)
        waiting = asyncio.create_task(ending.wait())
        try:
            starting = asyncio.create_task(asyncio.to_thread(self._start_stores))
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                await asyncio.to_thread(self._stores.stop)  # so that what fills them gives up
                starting.cancel()
                return
            starting.result()
            self._world.save(self._folder)
            await self._serve(sockets, waiting, ready)
        finally:
            await asyncio.to_thread(self._stores.stop)
            self._log.close()

    async def _serve(
        self, sockets: dict[str, socket.socket], waiting: "asyncio.Task[bool]", ready: Callable[[], None] | None
    ) -> None:
        servers = [_Server(self._config(api)) for api in self._apis]
        serving = [
            asyncio.create_task(server.serve([sockets[api.region]]))
            for server, api in zip(servers, self._apis, strict=True)
        ]
        while not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        following = asyncio.create_task(self._follow())
        write_info(self._settings, self._world, self._token.get_secret_value())
        if ready:
            ready()
        await asyncio.wait({waiting, following, *serving}, return_when=asyncio.FIRST_COMPLETED)
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving)
        if following.done():
            following.result()
        following.cancel()

    def _config(self, api: Api) -> uvicorn.Config:
        control = Control(
            self._token, self._faults, self._status, self._clear, self._reset, self._world, self._after_change
        )
        app = api.app(*(control.routes() if api.region == WEST else []))
        return uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # an access rule looks at the address that really connects
            date_header=False,  # a skewed clock moves it
            server_header=False,
            timeout_graceful_shutdown=_END_SECONDS,
        )

    def _load(self) -> World:
        try:
            world = load_world(self._folder)
        except ValueError:
            raise StartError(
                f"The sandbox's state in {self._folder} is of another version. Start over: onboarding sandbox reset"
            ) from None
        return world or seed.first_world(now())

    def _start_stores(self) -> None:
        self._stores.start(self._world, now().date())

    def _after_change(self) -> None:
        """State first: a key that a client was told of must survive whatever comes."""
        self._world.save(self._folder)
        self._changed.set()

    async def _follow(self) -> None:
        """Answer requests for accounts whose time has come, and keep the storages and `sandbox.json` to the state:
        after each change, and when a key's time is over."""
        while True:
            if answer_due(self._world, now()):
                self._after_change()
                # At once: whoever reads of the account finds its sign-in there.
                write_info(self._settings, self._world, self._token.get_secret_value())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _FOLLOW_SECONDS)
            changed = self._changed.is_set()
            self._changed.clear()
            async with self._working:
                changed |= await asyncio.to_thread(self._stores.follow, self._world.model_copy(deep=True))
            if changed:
                write_info(self._settings, self._world, self._token.get_secret_value())

    async def _reset(self) -> None:
        """Start over, in the same process and with the same addresses."""
        async with self._working:
            fresh = seed.first_world(now())
            for name in World.model_fields:
                setattr(self._world, name, getattr(fresh, name))
            self._clear()
            self._log.clear()
            await asyncio.to_thread(self._refill)
            self._after_change()
            write_info(self._settings, self._world, self._token.get_secret_value())

    def _refill(self) -> None:
        self._stores.stop()
        self._stores.erase()
        self._start_stores()

    def _clear(self) -> None:
        self._faults.clear()
        for api in self._apis:
            api.locks.clear()
            api.guard.rates.clear()

    def _status(self) -> dict[str, object]:
        regions = [{"region": api.region, "accounts": len(self._world.of_region(api.region))} for api in self._apis]
        return {"running": True, "regions": regions, "faults": self._faults.listed()}
