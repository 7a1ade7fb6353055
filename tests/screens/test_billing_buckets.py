"""The screen Billing buckets."""

from core.services.credentials import set_enabled
from core.services.workspace import Workspace
from dashboard.navigation import BILLING_BUCKETS
from tests.screens.conftest import press, ran, words
from tests.services.conftest import ACTOR, billing, stored


def select(app, row: int):
    (key,) = [one.key for one in app.dataframe if one.key and one.key.startswith("buckets.table.")]
    app.session_state[key] = {"selection": {"rows": [row]}}
    return ran(app.run())


def test_folders_files_preview(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = screen(BILLING_BUCKETS)
    folders = list(app.dataframe[0].value["Name"])
    assert len(folders) == 24
    assert "24 folders" in words(app)
    select(app, 0)
    files = list(app.dataframe[0].value["Name"])
    assert files
    assert all("/" not in name for name in files)
    row = next((index for index, name in enumerate(files) if name.endswith((".csv", ".csv.gz"))), None)
    if row is None:
        select(app, 0)
        assert "Only CSV files" in words(app)
    else:
        select(app, row)
        assert "First 100 rows" in words(app)
        assert "AccountId" in app.dataframe[1].value.columns
    press(app, sandbox.info["billing"][0]["buckets"][0]["name"])
    assert list(app.dataframe[0].value["Name"]) == folders


def test_the_empty_bucket_says_so(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = screen(BILLING_BUCKETS)
    said = []
    (buckets,) = [one for one in app.selectbox if one.label == "Bucket"]
    for option in range(len(buckets.options)):
        (field,) = [one for one in app.selectbox if one.label == "Bucket"]
        ran(field.select_index(option).run())
        said.append("The bucket is empty." in words(app))
    assert said.count(True) == 1


def test_disabled_credentials_are_not_offered(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    set_enabled(ACTOR, workspace, ["bills"], False)
    assert "No enabled billing credentials" in words(screen(BILLING_BUCKETS))
