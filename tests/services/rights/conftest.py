"""One world for all of these tests."""

from collections.abc import Iterator

import pytest

from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services.workspace import open_workspace
from core.settings import Settings
from tests.services.conftest import billing, project_row, projects, stored
from tests.services.rights.world import REAL, World, put


@pytest.fixture(scope="session")
def world(session_sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rights")
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "sandbox.json").symlink_to(session_sandbox.settings.sandbox_file)
    regions = folder / "regions.toml"
    nobody = "https://nobody.invalid"  # no such name
    regions.write_text(f'[[region]]\nname = "{REAL}"\nlabel = "Real"\napi = "{nobody}/api/v1"\noos = "{nobody}"\n')
    settings = Settings(home=home, sandbox_port=session_sandbox.settings.sandbox_port, regions=regions)
    workspace = open_workspace(settings)
    account = session_sandbox.account(0)
    stored(workspace, projects(project_row(account), name="open"))
    buckets = [{"name": EMPTY_BUCKET, "region": WEST}]
    stored(workspace, billing(session_sandbox.info, name="bills", buckets=buckets))
    key = account["access_keys"][0]["access_key_id"]
    yield World(
        workspace,
        put(workspace, WEST, account["account_id"], key, "open", "bills", EMPTY_BUCKET),
        put(workspace, REAL, "999988887777", "HIDDENKEY0000000001", "hidden-demo", "hidden-bills", "hidden-bucket"),
        folder,
    )
    workspace.close()
