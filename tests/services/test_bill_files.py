"""Bill files pulled from a bucket: each read once, and again when it changes."""

import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import polars as pl
import psutil
import pytest
from distributed import Client, LocalCluster
from sqlmodel import select

from core.domain.bill_lines import Field, Mapping
from core.domain.costs import CostQuery
from core.services import cost_engine
from core.services.bill_files import bill_objects, refused_lines
from core.services.bill_pull import PullReport, pull
from core.services.billing import BucketChoice
from core.services.cost_engine import read_bill
from core.services.cost_export import export
from core.services.costs import costs, files, lines, period_known, values, without_lines
from core.services.credentials import set_enabled
from core.services.mappings import apply_again, delete_mappings, list_mappings, save_mapping
from core.services.vault_rotation import rotate_vault
from core.services.workspace import Workspace, open_workspace
from core.store.tables.credentials import Bucket
from tests.bills.figures import Corpus, Figure
from tests.bills.forms import outscale, written
from tests.services.conftest import ACTOR
from tests.services.own_bucket import ODD, Bills


@pytest.fixture
def told() -> Callable[[], list[Figure]]:
    corpus = Corpus()
    return lambda: corpus.figures(12)


def test_new_changed_and_deleted_files(bills: Bills, told) -> None:
    first = bills.bill("bills/a.csv", told())
    second = bills.bill("bills/b.csv", told())
    report = bills.pull()
    assert (report.read, report.failed, report.problems) == (2, 0, [])
    assert bills.total() == first + second
    known = bills.known()["bills/a.csv"]
    assert (known.state, known.layout, known.accepted, known.refused) == ("read", "OUTSCALE consumption", 12, 0)
    assert known.sums == {"XXX": first}
    again = bills.pull()
    assert (again.read, again.unchanged) == (0, report.read + report.unknown)
    third = bills.bill("bills/b.csv", told())
    bills.delete("bills/a.csv")
    last = bills.pull()
    assert (last.read, last.gone) == (1, 1)
    assert list(bills.known()) == ["bills/b.csv"]
    assert bills.total() == third
    kept = list(bills.workspace.settings.costs.glob("account=*/month=*/*.parquet"))
    assert len(kept) == 1  # nothing of the old ones is left
    assert not list((bills.workspace.settings.costs / "inbox").iterdir())


def test_a_month_of_one_account_has_its_place(bills: Bills, told) -> None:
    figures = told()
    for one in figures:
        one.account = "126234412779"
    bills.bill("bills/a.csv", figures)
    bills.pull()
    (path,) = (bills.workspace.settings.costs / "account=126234412779" / "month=2026-03").iterdir()
    assert len(pl.read_parquet(path)) == 12


def test_stopping_loses_nothing(bills: Bills, told) -> None:
    sums = [bills.bill(f"bills/{number:02}.csv", told()) for number in range(8)]
    stop = threading.Event()

    def after_two(done: int, total: int, doing: str) -> None:
        if done == 2:
            stop.set()

    report = bills.pull(progress=after_two, stop=stop)
    assert report.stopped
    assert 2 <= report.read + report.unknown < 8
    some = bills.total()
    rest = bills.pull()
    assert not rest.stopped
    assert rest.read == 8 - report.read
    assert some < bills.total() == sum(sums)


def test_lines_that_do_not_fit_are_kept_with_their_numbers(bills: Bills, told) -> None:
    figures = told()
    rows = outscale(figures)
    wrong, total = [*rows[5][:-1], "n/a"], ["Total", *[""] * 11, "9.50"]
    bills.put("bills/a.csv", written([*rows[:5], wrong, *rows[6:], total]).encode())
    bills.pull()
    known = bills.known()["bills/a.csv"]
    assert (known.accepted, known.refused, known.refused_sum) == (11, 2, Decimal("9.50"))
    refused = refused_lines(ACTOR, bills.workspace, known.id)
    assert refused["line"].to_list() == [6, 14]
    assert "no amount" in refused["reason"][0]
    assert "looks like a total" in refused["reason"][1]
    assert sum(known.sums.values()) == bills.total() == sum(one.cost for one in figures) - figures[4].cost


MAPPING = Mapping(
    layout="custom",
    columns={Field.DAY: "Wann", Field.COST: "Summe netto", Field.SERVICE: "Kostenstelle"},
    constants={Field.CURRENCY: "CHF"},
    decimal=",",
    dates="day_first",
)
COLUMNS = ["Kostenstelle", "Wann", "Wer", "Summe netto"]


def test_an_unknown_layout_is_mapped_in_versions(bills: Bills) -> None:
    bills.put("bills/odd/a.csv", ODD.encode())
    assert bills.pull().unknown >= 1
    assert bills.known()["bills/odd/a.csv"].state == "unknown_layout"
    problem = save_mapping(ACTOR, bills.workspace, bills.choice, "bills/odd/", MAPPING, None, COLUMNS)
    assert problem is None
    assert bills.pull().read == 1
    assert bills.known()["bills/odd/a.csv"].sums == {"CHF": Decimal("1224.50")}
    francs = MAPPING.model_copy(update={"constants": {Field.CURRENCY: "EUR"}})
    assert save_mapping(ACTOR, bills.workspace, bills.choice, "bills/odd/", francs, None, COLUMNS) is None
    assert bills.pull().read == 1  # another version reads it again
    assert bills.known()["bills/odd/a.csv"].sums == {"EUR": Decimal("1224.50")}
    versions = list_mappings(ACTOR, bills.workspace, bills.choice)
    assert [(one.version, one.in_force) for one in versions] == [(2, True), (1, False)]
    assert apply_again(ACTOR, bills.workspace, bills.choice, versions[1]) is None
    bills.pull()
    assert bills.known()["bills/odd/a.csv"].sums == {"CHF": Decimal("1224.50")}
    assert delete_mappings(ACTOR, bills.workspace, bills.choice, "bills/odd/")
    bills.pull()
    assert bills.known()["bills/odd/a.csv"].state == "unknown_layout"
    assert bills.total() == 0


@pytest.mark.parametrize(
    ("changes", "prefix", "words"),
    [
        ({"columns": {Field.SERVICE: "Wer"}}, "", "Nothing says the day and cost"),
        ({"columns": MAPPING.columns | {Field.TYPE: "Typ"}}, "", "has no column Typ"),
        ({}, "x" * 1025, "longer than any object key"),
    ],
)
def test_mappings_that_cannot_be(bills: Bills, changes: dict, prefix: str, words: str) -> None:
    mapping = MAPPING.model_copy(update=changes)
    problem = save_mapping(ACTOR, bills.workspace, bills.choice, prefix, mapping, None, COLUMNS)
    assert problem
    assert words in problem.what
    assert list_mappings(ACTOR, bills.workspace, bills.choice) == []


def test_a_file_replaced_or_deleted_while_it_is_read(bills: Bills, told, tmp_path: Path) -> None:
    bills.bill("bills/a.csv", told())
    folder = tmp_path / "inbox"
    folder.mkdir()
    replaced = read_bill(bills.task("bills/a.csv", "an-older-etag", folder))
    assert replaced.state == "failed"
    assert "was replaced while it was read" in replaced.problem
    gone = read_bill(bills.task("bills/none.csv", "e", folder))
    assert gone.state == "failed"
    assert "was deleted while it was read" in gone.problem
    assert [path.name for path in folder.iterdir()] == [f"scratch-{os.getpid()}"]  # goes with the folder


def test_a_full_disk_is_said(bills: Bills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cost_engine, "_fetch", full)
    found = read_bill(bills.task("bills/a.csv", "e", tmp_path))
    assert found.state == "failed"
    assert "has no room" in found.problem


def test_a_failed_reading_keeps_what_was_read(bills: Bills, told, monkeypatch: pytest.MonkeyPatch) -> None:
    total = bills.bill("bills/a.csv", told())
    bills.pull()
    choice = replace(bills.choice)
    set_enabled(ACTOR, bills.workspace, ["harbour"], False)
    report = bills.pull(choices=[choice])
    assert any("disabled" in problem.what for problem in report.problems)
    set_enabled(ACTOR, bills.workspace, ["harbour"], True)
    assert bills.total() == total


def test_costs_of_a_bucket_that_nobody_names_are_nobodys(bills: Bills, told) -> None:
    bills.bill("bills/a.csv", told())
    bills.pull()
    assert period_known(ACTOR, bills.workspace)
    with bills.workspace.store.writing() as session:
        for row in session.exec(select(Bucket)).all():
            session.delete(row)
    assert bill_objects(ACTOR, bills.workspace) == []
    assert bills.total() == 0


def test_no_bucket_no_bills(workspace: Workspace) -> None:
    assert pull(ACTOR, workspace) == PullReport()
    assert period_known(ACTOR, workspace) is None
    choice = BucketChoice("none", "none", "sandbox-west-1")
    assert pull(ACTOR, workspace, [choice]).problems[0].what == "There are no credentials none."


def test_an_emptied_folder_is_filled_again(bills: Bills, told) -> None:
    total = bills.bill("bills/a.csv", told())
    bills.pull()
    shutil.rmtree(bills.workspace.settings.costs)
    assert period_known(ACTOR, bills.workspace) is None
    assert bills.total() == 0
    assert bills.pull().read == 1
    assert bills.total() == total


def test_lines_are_kept_in_a_bucket_of_ones_own(bills: Bills, told, sandbox) -> None:
    sums = [bills.bill("bills/a.csv", told()), bills.bill("bills/b.csv", told())]
    account = sandbox.account(0)
    own = f"demo/{account['region']}/{bills.choice.bucket}"
    settings = bills.workspace.settings.model_copy(update={"costs_bucket": own})
    bills.workspace = open_workspace(settings)
    assert bills.pull().problems == []

    def kept() -> list[str]:
        found = bills.s3.list_objects_v2(Bucket=bills.choice.bucket, Prefix="costs/").get("Contents", [])
        return [entry["Key"] for entry in found]

    try:
        assert len(kept()) == 4  # lines and sums of each
        assert all("/account=several/month=2026-03/" in key for key in kept())
        there = kept()
        rotate_vault(ACTOR, bills.workspace)  # their place does not hang on a key
        assert bills.pull().problems == []
        assert kept() == there
        shutil.rmtree(settings.costs)
        report = bills.pull()  # they come back from there: nothing is read again
        assert report.read == 0
        assert bills.total() == sum(sums)
        bills.delete("bills/a.csv")
        bills.pull()
        assert len(kept()) == 2
        assert bills.total() == sums[1]
    finally:
        for key in kept():
            bills.delete(key)
        bills.workspace.close()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("nobody/sandbox-west-1/bucket", "There are no project credentials nobody"),
        ("demo/sandbox-west-1/no-such-bucket", "There is no bucket no-such-bucket"),
    ],
)
def test_a_bucket_of_ones_own_that_cannot_be_used(bills: Bills, told, named: str, words: str) -> None:
    total = bills.bill("bills/a.csv", told())
    bills.workspace = open_workspace(bills.workspace.settings.model_copy(update={"costs_bucket": named}))
    report = bills.pull()
    assert words in " ".join(problem.what for problem in report.problems)
    assert bills.total() == total
    bills.workspace.close()


def _large(bills: Bills, figures: list[Figure]) -> Decimal:
    """A bill of more than 8 MiB."""
    return bills.bill("bills/large.csv", figures * 7000)


BY_RESOURCE = CostQuery(since=date(2020, 1, 1), until=date(2030, 1, 1), by=("resource",))


def test_a_large_file_is_summed_first_and_its_lines_are_kept_after(bills: Bills, told) -> None:
    figures = told()
    total = _large(bills, figures)
    seen = []

    def look(done: int, of: int, doing: str) -> None:
        if of and done == of:
            (known,) = bills.known().values()
            seen.append((bills.total(), known.accepted, without_lines(ACTOR, bills.workspace)))

    report = bills.pull(progress=look)
    assert (report.read, report.failed, report.problems) == (1, 0, [])
    assert seen == [(total, 84_000, 1), (total, 84_000, 0)]
    (share,) = files(ACTOR, bills.workspace, BY_RESOURCE)
    assert (share.cost, share.lines, share.kept) == (total, 84_000, True)
    assert len(lines(ACTOR, bills.workspace, BY_RESOURCE, share, 83_990, 100)) == 10
    assert not list((bills.workspace.settings.costs / "inbox").iterdir())
    assert bills.pull().read == 0


def test_a_reading_that_is_stopped_before_the_lines_are_kept_goes_on_with_what_was_fetched(
    bills: Bills, told, tmp_path: Path
) -> None:
    total = _large(bills, told())
    stop = threading.Event()
    bills.pull(progress=lambda done, of, _: stop.set() if of and done == of else None, stop=stop)
    assert bills.total() == total
    (share,) = files(ACTOR, bills.workspace, BY_RESOURCE)
    assert (share.lines, share.kept) == (84_000, False)
    assert lines(ACTOR, bills.workspace, BY_RESOURCE, share, 0, 10).is_empty()
    by_resource = costs(ACTOR, bills.workspace, BY_RESOURCE)
    assert (by_resource["resource"].to_list(), sum(by_resource["cost"])) == ([""], total)
    refused = export(ACTOR, bills.workspace, BY_RESOURCE, "focus", tmp_path / "focus.csv")
    assert refused
    assert "still being kept" in refused.what
    (fetched,) = (bills.workspace.settings.costs / "inbox").iterdir()
    before = fetched.read_bytes()
    fetched.write_bytes(before.replace(b"TinaOS-FCU", b"TinaOS-XXX"))  # a second fetch would undo it
    assert bills.pull().read == 1
    assert not fetched.exists()
    assert "TinaOS-XXX" in values(ACTOR, bills.workspace, Field.SERVICE)
    assert bills.total() == total
    (share,) = files(ACTOR, bills.workspace, BY_RESOURCE)
    assert share.kept


def test_what_an_ended_reading_left_long_ago_is_removed(bills: Bills, told) -> None:
    inbox = bills.workspace.settings.costs / "inbox"
    (inbox / "bill-old").mkdir(parents=True)
    (inbox / "bill-old" / "object").write_bytes(b"x")
    (inbox / "young.object").write_bytes(b"x")
    os.utime(inbox / "bill-old", (0, 0))
    bills.bill("bills/a.csv", told())
    bills.pull()
    assert [path.name for path in inbox.iterdir()] == ["young.object"]


def test_a_dask_cluster_of_two_workers_gives_the_same(bills: Bills, told) -> None:
    sums = [bills.bill(f"bills/{number}.csv", told()) for number in range(5)]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        clustered = bills.workspace.settings.model_copy(update={"dask": cluster.scheduler_address})
        bills.workspace = open_workspace(clustered)
        report = bills.pull()
        with Client(cluster) as client:
            done = client.run(lambda dask_worker: dask_worker.state.executed_count)
    bills.workspace.close()
    assert report.problems == []
    assert report.read == 5
    assert bills.total() == sum(sums)
    assert len(done) == 2
    assert all(done.values()), done
    bills.bill("bills/more.csv", told())
    without = bills.pull()
    assert "does not answer" in str(without.problems[0])
    assert bills.total() == sum(sums)


def test_processes_that_understand_load_neither_the_network_nor_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = ModuleType("__main__")
    program.__file__ = str(tmp_path / "screen.py")
    Path(program.__file__).write_text("import boto3, streamlit\nraise SystemExit('drawn in the wrong process')\n")
    monkeypatch.setitem(sys.modules, "__main__", program)
    pool = cost_engine._new_pool(1)
    loaded = pool.submit(eval, "set(__import__('sys').modules)").result(60)
    pool.shutdown()
    assert "core.services.bill_reading" in loaded
    assert not loaded & {"boto3", "urllib3", "streamlit", "pytest", "core.outscale.oos"}
    assert sys.modules["__main__"] is program


def test_a_process_that_is_killed_is_said_and_what_was_read_stays(bills: Bills, told) -> None:
    sums = [bills.bill(f"bills/{number:02}.csv", told()) for number in range(8)]

    def kill(done: int, of: int, doing: str) -> None:
        if done == 1:
            for one in psutil.Process().children(recursive=True):
                if "forkserver" in " ".join(one.parent().cmdline()):
                    one.kill()

    report = bills.pull(progress=kill)
    assert "ended, as when the machine's memory is used up" in report.problems[0].what
    assert bills.pull().failed == 0
    assert bills.total() == sum(sums)
    assert not list((bills.workspace.settings.costs / "inbox").iterdir())
