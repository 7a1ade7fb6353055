"""What every use case works with: settings, store, vault and Regions, opened once per process."""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlmodel import select

from core.domain.hosts import Allowed, parse_rule
from core.domain.regions import RegionCatalog
from core.outscale.regions import load_regions
from core.services.audit_chain import ChainKeys, begin_trail, begin_within, mark, open_keys
from core.services.data_keys import add_key, stored_keys
from core.services.sealed_places import seal_under_newest
from core.settings import Settings
from core.store.columns import new_id
from core.store.store import Store
from core.store.tables.policy import AllowedHost
from core.vault.key_source import COMMAND_VARIABLE, VARIABLE, KeySource
from core.vault.master_key import FILE_NAME, VaultError, create_key_file
from core.vault.vault import Vault, WrappedKey, new_data_key


@dataclass(frozen=True)
class Workspace:
    """The opened program. Safe to share between threads and screen sessions: it holds nobody's input."""

    settings: Settings
    store: Store
    vault: Vault

    @property
    def regions(self) -> RegionCatalog:
        """The Regions known now; the sandbox's own come and go with it."""
        return load_regions(self.settings)

    @cached_property
    def chain_keys(self) -> ChainKeys:
        """What events are chained with.

        Raises VaultError when the stored key is missing or does not open."""
        return open_keys(self.store, self.vault)

    @property
    def allowed(self) -> Allowed:
        """The hosts that an administrator allows now, beside those that files and the environment name."""
        with self.store.reading() as session:
            entries = session.exec(select(AllowedHost.entry)).all()
        rules = []
        for entry in entries:
            with suppress(ValueError):  # an older version may have taken what is never opened now
                rules.append(parse_rule(entry))
        return Allowed(tuple(rules))

    def close(self) -> None:
        """Give the database back."""
        self.store.close()


def open_workspace(settings: Settings) -> Workspace:
    """Open the home folder, made when missing (mode 0700): database, migrations, vault.

    Raises StoreError or VaultError, each with one line for the user; nothing is written over then."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open_home(settings.home)
    os.umask(0o077)
    store = Store(settings.database)
    try:
        vault = _open_vault(settings, store)
        seal_under_newest(store, vault)
        begin_trail(store, vault)
        return Workspace(settings=settings, store=store, vault=vault)
    except BaseException:
        store.close()
        raise


def _refuse_open_home(home: Path) -> None:
    """Who gets into the folder could put another database or key into it."""
    if home.stat().st_mode & 0o077:
        raise VaultError(f"Others can get into {home}, which holds your secrets. Run: chmod 700 {home}")


def _open_vault(settings: Settings, store: Store) -> Vault:
    source = KeySource(settings)
    ring = source.read()
    keys = _read_keys(store)
    if not keys:
        with store.writing() as session:
            keys = stored_keys(session)  # another process may have been faster
            if not keys:
                ring = ring or create_key_file(settings.home)
                trail = new_id()
                keys = [new_data_key(ring.current, mark(trail))]
                add_key(session, keys[0])
                begin_within(session, Vault(ring, keys), trail)
    ring = ring or source.read()
    if ring is None:
        raise VaultError(
            f"The master key is missing: the secrets in {settings.database} were sealed under "
            f"{keys[-1].master_key_id}. Put {FILE_NAME} back into {settings.home}, or set {VARIABLE} or "
            f"{COMMAND_VARIABLE}; nothing was changed."
        )
    return Vault(ring, keys, read_ring=source.read, read_keys=lambda: _read_keys(store))


def _read_keys(store: Store) -> list[WrappedKey]:
    with store.reading() as session:
        return stored_keys(session)
