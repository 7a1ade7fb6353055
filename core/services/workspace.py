"""What every use case works with: settings, store, vault and Regions, opened once per process."""

import os
from contextlib import suppress
from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.domain.hosts import Allowed, parse_rule
from core.domain.regions import RegionCatalog
from core.outscale.regions import load_regions
from core.settings import Settings
from core.store.store import Store
from core.store.tables import AllowedHost, DataKey
from core.vault.master_key import FILE_NAME, VaultError, create_master_key, find_master_key
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
    os.umask(0o077)
    store = Store(settings.database)
    try:
        return Workspace(settings=settings, store=store, vault=_open_vault(settings, store))
    except BaseException:
        store.close()
        raise


def _open_vault(settings: Settings, store: Store) -> Vault:
    master = find_master_key(settings.home, settings.master_key)
    with store.reading() as session:
        keys = _data_keys(session)
    if not keys:
        with store.writing() as session:
            keys = _data_keys(session)  # another process may have been faster
            if not keys:
                master = master or create_master_key(settings.home)
                key = new_data_key(master)
                session.add(DataKey(id=key.id, master_key_id=key.master_key_id, wrapped=key.wrapped))
                keys = [key]
    if master is None:
        master = find_master_key(settings.home, settings.master_key)
    if master is None:
        raise VaultError(
            f"The master key is missing: the secrets in {settings.database} were sealed under "
            f"{keys[-1].master_key_id}. Put {FILE_NAME} back into {settings.home} or set ONBOARDING_MASTER_KEY; "
            "nothing was changed."
        )
    return Vault(master, keys)


def _data_keys(session: Session) -> list[WrappedKey]:
    rows = session.exec(select(DataKey).order_by(col(DataKey.created))).all()
    return [WrappedKey(id=row.id, master_key_id=row.master_key_id, wrapped=row.wrapped) for row in rows]
