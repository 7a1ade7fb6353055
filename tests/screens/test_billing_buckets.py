"""The screen Billing buckets."""

from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.services.credentials import set_enabled
from core.services.mappings import list_mappings
from core.services.workspace import Workspace
from dashboard.navigation import BILLING_BUCKETS
from dashboard.widgets.text import size
from tests.screens.conftest import choose, fill, press, ran, settled_when, words
from tests.services.conftest import ACTOR, billing, project_row, projects, stored
from tests.services.own_bucket import ODD, Bills


def opened(screen, bucket: str) -> AppTest:
    """The screen with a bucket opened and listed."""
    app = screen(BILLING_BUCKETS)
    names = list(app.dataframe[0].value["Bucket"])
    return visited(tick(app, names.index(bucket), "buckets.overview"))


def visited(app: AppTest) -> AppTest:
    return settled_when(app, lambda: any(one.key and one.key.startswith("buckets.table.") for one in app.dataframe))


def table(app: AppTest):
    (found,) = [one for one in app.dataframe if one.key and one.key.startswith("buckets.table.")]
    return found


def tick(app: AppTest, row: int, key: str = "") -> AppTest:
    """Tick a row of a table, that of the bucket without `key`."""
    app.session_state[key or table(app).key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return ran(app.run())


def click(app: AppTest, name: str) -> AppTest:
    """Click a name in the bucket's table."""
    row = list(table(app).value["Name"]).index(name)
    app.session_state[table(app).key] = {"selection": {"rows": [], "columns": [], "cells": [(row, "Name")]}}
    return ran(app.run())


def test_all_buckets_stand_side_by_side(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(BILLING_BUCKETS)
    overview = app.dataframe[0].value
    assert list(overview["Bucket"]) == [one["name"] for one in sandbox.info["billing"][0]["buckets"]]
    assert set(overview["State"]) == {"Not listed yet"}
    press(app, "Look for buckets of project keys")
    settled_when(app, lambda: "harbour-data" in list(app.dataframe[0].value["Bucket"]))


def test_folders_files_and_the_way_back(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = opened(screen, "ledger-bills-csv")
    assert "72 files" in words(app)
    assert "24 folders, 72 files" in words(app)
    folders = list(table(app).value["Name"])
    assert len(folders) == 24
    click(app, folders[0])
    files = list(table(app).value["Name"])
    assert len(files) == 3
    assert all("/" not in name for name in files)
    click(app, next(name for name in files if name.endswith(".csv")))
    assert "The first 100 rows, 14 columns. CSV." in words(app)
    assert any("AccountId" in one.value.columns for one in app.dataframe)
    (crumb,) = [one for one in app.button if one.key == "crumb.0"]
    ran(crumb.click().run())
    assert list(table(app).value["Name"]) == folders
    press(app, "All buckets")
    assert app.dataframe[0].value["Files"].iloc[0] == 72


def test_search_order_and_pages(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = opened(screen, "ledger-bills-csv")
    fill(app, "Search", "2025-11 GZ")
    assert "match." in words(app)
    names = list(table(app).value["Name"])
    assert names
    assert all("2025-11" in name and name.endswith(".gz") for name in names)
    fill(app, "Search", "no such name")
    assert "Nothing matches." in words(app)
    press(app, "Look for everything")
    assert len(table(app).value) == 24
    fill(app, "Search", "202")
    choose(app, "Order", "Largest first")
    sizes = list(table(app).value["Size"])
    written = convert_arrow_bytes_to_pandas_df(table(app).proto.arrow_data.styler.display_values)["Size"]
    assert list(written) == [size(one) for one in sizes]
    assert sizes == sorted(sizes, reverse=True)
    choose(app, "Rows a page", 50)
    assert len(table(app).value) == 50
    press(app, "Next")
    assert len(table(app).value) == 22
    assert "Page 2" in words(app)


def test_what_is_ticked_is_added_up(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = opened(screen, "ledger-bills-csv")
    tick(app, 0)
    assert "1 folder, 3 files" in words(app)
    assert any(one.label.startswith("Download") for one in app.button)


def test_the_empty_bucket_says_so(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    app = screen(BILLING_BUCKETS)
    names = list(app.dataframe[0].value["Bucket"])
    tick(app, names.index("ledger-bills-new"), "buckets.overview")
    settled_when(app, lambda: "The bucket is empty." in words(app))


def test_a_refresh_says_what_changed(screen, bills: Bills) -> None:
    bills.put("bills/a.csv", b"Date,Cost\n")
    app = opened(screen, bills.choice.bucket)
    bills.put("bills/b.csv", b"Date,Cost\n")
    press(app, "Refresh")
    settled_when(app, lambda: "1 new" in words(app))
    assert any(list(one.value.get("Object key", [])) == ["bills/b.csv"] for one in app.dataframe)


def test_another_dialect_and_a_mapping(screen, bills: Bills) -> None:
    bills.put("bills/odd/a.csv", ODD.encode())
    app = opened(screen, bills.choice.bucket)
    fill(app, "Search", "odd")
    click(app, "bills/odd/a.csv")
    assert "All 2 rows, 4 columns. CSV." in words(app)
    assert any("map them" in one.label for one in app.expander)
    assert "come to **1,224.50**" in words(app).replace("\\", "")
    choose(app, "Service", "Kostenstelle")
    (currency,) = [one for one in app.text_input if one.label == "Currency of all lines"]
    ran(currency.set_value("chf").run())
    (prefix,) = [one for one in app.text_input if one.label == "For all files that begin with"]
    assert prefix.value == "bills/odd/"
    press(app, "Save the mapping")
    assert "Saved." in words(app)
    (kept,) = list_mappings(ACTOR, bills.workspace, bills.choice)
    assert kept.mapping.constants == {"currency": "CHF"}
    assert kept.mapping.columns["service"] == "Kostenstelle"
    assert any("version 1" in one.label for one in app.expander)
    press(app, "Give up")
    (sure,) = [one for one in app.button if one.key == "mapping.drop.sure"]
    ran(sure.click().run())
    assert list_mappings(ACTOR, bills.workspace, bills.choice) == []


def test_a_file_that_is_gone_says_so(screen, bills: Bills) -> None:
    bills.put("bills/gone.csv", b"Date,Cost\n2026-01-01,1\n")
    app = opened(screen, bills.choice.bucket)
    bills.delete("bills/gone.csv")
    fill(app, "Search", "gone")
    click(app, "bills/gone.csv")
    assert "There is no object" in words(app)


def test_another_screen_opens_a_file(screen, bills: Bills) -> None:
    bills.put("bills/a.csv", b"Date,Cost\n2026-01-01,1\n")
    there = f"{bills.choice.bucket}.{bills.choice.region}"
    app = visited(screen(BILLING_BUCKETS, bucket=there, folder="bills/", file="bills/a.csv"))
    assert "All 1 rows" in words(app)
    press(app, "All buckets")
    assert app.query_params == {}


def test_disabled_credentials_are_not_offered(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    set_enabled(ACTOR, workspace, ["bills"], False)
    assert "No enabled billing credentials" in words(screen(BILLING_BUCKETS))
