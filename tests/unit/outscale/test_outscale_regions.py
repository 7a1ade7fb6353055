"""Regions are data: the public ones, those of a file, the sandbox's while it runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import trustme

from core.domain.regions import DEFAULT_REGION
from core.outscale.regions import RegionFileError, load_regions
from core.settings import Settings

LAB = """
[[region]]
name = "lab-1"
label = "Laboratory"
api = "https://api.lab.example.com/api/v1"
oos = "https://oos.lab.example.com"
"""
PUBLIC = ["eu-west-2", "us-east-2", "us-west-1", "ap-northeast-1", "cloudgouv-eu-west-1"]


def settings(folder: Path, file: Path | None = None) -> Settings:
    return Settings(home=folder, regions=file)


def written(folder: Path, text: str) -> Path:
    file = folder / "regions.toml"
    file.write_text(text)
    return file


def sandbox(folder: Path, pid: int, started: float) -> None:
    region = {"name": "sandbox-1", "label": "Here", "api": "http://127.0.0.1:9/api/v1", "oos": "http://127.0.0.1:8"}
    content = {"pid": pid, "started": started, "regions": [region], "accounts": []}
    (folder / "sandbox.json").write_text(json.dumps(content))


def test_the_public_ones(tmp_path: Path) -> None:
    regions = load_regions(settings(tmp_path))
    assert [region.name for region in regions.open] == PUBLIC
    assert str(regions[DEFAULT_REGION]) == "eu-west-2 - Paris"
    assert regions[DEFAULT_REGION].api == "https://api.eu-west-2.outscale.com/api/v1"
    assert regions[DEFAULT_REGION].oos == "https://oos.eu-west-2.outscale.com"
    assert str(regions["cn-southeast-1"]) == "cn-southeast-1 - Hong Kong (retired)"


def test_a_file_adds_and_replaces(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "lab.pem"))
    own_paris = LAB.replace("lab-1", "eu-west-2").replace("Laboratory", "Paris through our mirror")
    file = written(tmp_path, LAB + 'ca_file = "lab.pem"\n' + own_paris)
    regions = load_regions(settings(tmp_path, file))
    assert [region.name for region in regions.open] == [*PUBLIC, "lab-1"]
    assert regions["lab-1"].ca_file == tmp_path / "lab.pem"
    assert regions["eu-west-2"].label == "Paris through our mirror"


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = written(tmp_path, LAB)
    assert "lab-1" in load_regions(settings(tmp_path, file))
    written(tmp_path, LAB.replace("lab-1", "laboratory-2"))
    regions = load_regions(settings(tmp_path, file))
    assert "laboratory-2" in regions
    assert "lab-1" not in regions


def test_a_file_may_retire_a_region(tmp_path: Path) -> None:
    regions = load_regions(settings(tmp_path, written(tmp_path, LAB + "retired = true\n")))
    assert regions["lab-1"].retired
    assert regions["lab-1"] not in regions.open


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[region]\n", "is not TOML: .*line 1"),
        ("\ufffe".encode("utf-16").decode("latin-1"), "is not TOML"),
        ("region = 3\n", "only [[region]] entries"),
        ("[other]\n" + LAB, "has other where only"),
        ("region = [3]\n", "entry 1: write it as"),
        (LAB.replace("api =", "#"), "entry 1 (lab-1): api is missing"),
        (LAB.replace('name = "lab-1"', 'name = "Lab 1"'), "entry 1 (Lab 1): name must be lowercase"),
        (LAB.replace('name = "lab-1"', ""), "entry 1: name is missing"),
        (LAB.replace("/api/v1", "/api/v1/"), "(lab-1): api must be an address"),
        (LAB.replace("https://oos", "oos"), "(lab-1): oos must be an address"),
        (LAB.replace('"Laboratory"', '""'), "(lab-1): label must be text"),
        (LAB + "retired = 7\n", "(lab-1): retired must be true or false"),
        (LAB + "ca_file = 7\n", "(lab-1): ca_file must be the path"),
        (LAB + 'ca_file = "gone.pem"\n', "(lab-1): ca_file .*gone.pem cannot be read: No such file"),
        (LAB + 'ca_file = "regions.toml"\n', "(lab-1): ca_file .*regions.toml has no certificate"),
        (LAB + "sandbox = true\n", "(lab-1): sandbox is not known there"),
        (LAB + LAB, "two entries named lab-1"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(RegionFileError) as caught:
        load_regions(settings(tmp_path, file))
    said = str(caught.value)
    assert str(file) in said
    assert re.search(re.escape(words).replace(r"\.\*", ".*"), said)
    assert "\n" not in said


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RegionFileError, match="cannot be read: No such file"):
        load_regions(settings(tmp_path, tmp_path / "gone.toml"))


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RegionFileError, match="not UTF-8"):
        load_regions(settings(tmp_path, tmp_path / "regions.toml"))


def test_the_sandbox_comes_and_goes_with_its_process(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    sandbox(tmp_path, child.pid, psutil.Process(child.pid).create_time())
    regions = load_regions(settings(tmp_path))
    assert [region.name for region in regions.open] == [*PUBLIC, "sandbox-1"]
    assert regions["sandbox-1"].sandbox
    assert not regions[DEFAULT_REGION].sandbox
    child.kill()
    assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but not taken away yet
    assert "sandbox-1" not in load_regions(settings(tmp_path))
    child.wait()
    assert "sandbox-1" not in load_regions(settings(tmp_path))


def test_another_process_under_the_sandboxs_number_is_not_the_sandbox(tmp_path: Path) -> None:
    sandbox(tmp_path, os.getpid(), psutil.Process().create_time() - 60)
    assert "sandbox-1" not in load_regions(settings(tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": "x", "started": 1, "regions": []}'])
def test_a_sandbox_file_that_is_no_use_is_no_sandbox(tmp_path: Path, content: str) -> None:
    (tmp_path / "sandbox.json").write_text(content)
    assert [region.name for region in load_regions(settings(tmp_path)).open] == PUBLIC


def test_hosts_of_a_file_may_be_private_and_nobody_elses(tmp_path: Path) -> None:
    file = written(tmp_path, LAB.replace("api.lab.example.com", "10.1.2.3:8443"))
    regions = load_regions(settings(tmp_path, file))
    assert [region.name for region in regions.values() if region.from_file] == ["lab-1"]
    refused = "entry 1 .lab-1.: from_file is not known"
    with pytest.raises(RegionFileError, match=refused):
        load_regions(settings(tmp_path, written(tmp_path, LAB + "from_file = true\n")))


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "this machine itself"),
        ("localhost:8080", "this machine itself"),
        ("[::1]", "this machine itself"),
        ("169.254.169.254", "metadata service"),
        ("[fd00:ec2::254]", "metadata service"),
        ("[::ffff:10.0.0.1]", "written as IPv6"),
        ("2130706433", "not read here"),
        ("0x7f.1", "not read here"),
        ("api.lab.example.com@127.0.0.1", "without user"),
        ("api.lab.example.com\\\\@127.0.0.1", "backslash"),
        ("[::1", "cannot be|can be read"),
        ("api.lab.example.com:99999", "can be read"),
    ],
)
@pytest.mark.parametrize("field", ["api", "oos"])
def test_a_host_of_a_file_that_is_never_connected_to(tmp_path: Path, field: str, host: str, why: str) -> None:
    file = written(tmp_path, LAB.replace(f"{field}.lab.example.com", host))
    with pytest.raises(RegionFileError, match=rf"lab-1.*{field}.*({why})") as said:
        load_regions(settings(tmp_path, file))
    assert str(file) in str(said.value)
