"""Files of executions: whole or absent, never outside their tenant."""

import io
import resource
import signal

import pytest

from orchestrator import storage

ALICE = 1  # Alice's tenant
DANA = 2  # Dana's
FOLDER = storage.task_run_folder("company.team", "report", "exec1", "make", "run1")


@pytest.fixture(params=["disk", "bucket"])
def place(request, settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage" if request.param == "disk" else f"memory:///{tmp_path.name}"
    return request.param


def test_a_file_comes_back_as_it_was_put_with_its_size_and_sha256(place):
    data = bytes(range(256)) * 20_000  # 5 MB: several chunks
    stored = storage.put(
        ALICE, (*FOLDER, storage.fresh_name("Übersicht Q1.csv")), io.BytesIO(data), name="Übersicht Q1.csv"
    )
    assert stored.uri.startswith("portico:///company/team/report/executions/exec1/tasks/make/run1/")
    assert stored.uri.endswith("-Übersicht_Q1.csv")
    assert (stored.name, stored.size) == ("Übersicht Q1.csv", len(data))
    assert stored.sha256 == __import__("hashlib").sha256(data).hexdigest()
    with storage.open(ALICE, stored.uri) as file:
        assert file.read() == data
    assert storage.size(ALICE, stored.uri.replace("portico://", "kestra://")) == len(data)


def test_a_range_of_a_file_is_read_without_the_rest(place):
    uri = storage.put(ALICE, ("a", "digits"), b"0123456789").uri
    assert storage.open(ALICE, uri, start=2, length=3).read() == b"234"
    assert storage.open(ALICE, uri, start=8).read() == b"89"
    assert storage.open(ALICE, uri, start=8, length=100).read() == b"89"


def test_another_tenant_does_not_find_the_file(place):
    uri = storage.put(ALICE, ("a", "secret"), b"x").uri
    with pytest.raises(storage.FileAbsent):
        storage.open(DANA, uri)
    with pytest.raises(storage.FileAbsent):
        storage.size(DANA, uri)
    assert storage.delete(DANA, uri) is False
    assert list(storage.beneath(DANA, ("a",))) == []
    assert storage.open(ALICE, uri).read() == b"x"


def test_files_are_listed_by_their_key_and_deleted_one_by_one(place):
    uris = {storage.put(ALICE, (*FOLDER, name), name.encode()).uri for name in ("one", "two")}
    storage.put(ALICE, ("company", "team", "report", "executions", "exec10", "three"), b"")
    assert set(storage.beneath(ALICE, storage.execution_folder("company.team", "report", "exec1"))) == uris
    assert all(storage.delete(ALICE, uri) for uri in uris)
    assert list(storage.beneath(ALICE, storage.execution_folder("company.team", "report", "exec1"))) == []
    assert storage.put(ALICE, (*FOLDER, "again"), b"").size == 0


@pytest.mark.parametrize(
    "uri",
    [
        "portico:///../2/secret",
        "portico:///a/../../2/secret",
        "portico:///a//b",
        "portico:///a/./b",
        "portico:///a/..",
        "portico:///",
        "portico:///a\\..\\b",
        "portico:///a/\x00b",
        "portico:///" + "a" * 300,
        "portico://host/a",
        "file:///etc/passwd",
        "/etc/passwd",
        "",
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(place, uri):
    with pytest.raises(storage.AddressRefused):
        storage.open(ALICE, uri)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", ".hidden", "a\nb", "", "x" * 500, "ä ö.csv"])
def test_whatever_a_file_is_called_it_gets_a_key_of_its_own(place, name):
    uri = storage.put(ALICE, ("a", storage.fresh_name(name)), b"x").uri
    assert uri.count("/") == 4
    assert storage.open(ALICE, uri).read() == b"x"


def test_a_link_inside_the_folder_leads_nowhere(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    storage.put(ALICE, ("a", "b"), b"x")
    (tmp_path / "storage/1/a/out").symlink_to("/etc")
    with pytest.raises(storage.AddressRefused):
        storage.open(ALICE, "portico:///a/out/passwd")


def test_when_the_disk_is_full_the_error_says_so_and_nothing_partial_is_left(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    storage.put(ALICE, ("a", "kept"), b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(storage.StorageFull) as failure:
            storage.put(ALICE, ("a", "kept"), io.BytesIO(bytes(3_000_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failure.value.code == "STORAGE_FULL"
    assert [path.name for path in (tmp_path / "storage").rglob("*") if path.is_file()] == ["kept"]
    assert storage.open(ALICE, "portico:///a/kept").read() == b"old"


def test_a_source_that_breaks_leaves_nothing(place):
    class Breaks(io.RawIOBase):
        def read(self, size=-1):
            if self.tell_calls:
                raise RuntimeError("the upload broke off")
            self.tell_calls = 1
            return b"x" * size

        tell_calls = 0

    with pytest.raises(Exception, match="broke off"):
        storage.put(ALICE, ("a", "half"), Breaks())
    assert list(storage.beneath(ALICE, ("a",))) == []


def test_a_running_task_reads_its_own_files_and_what_its_execution_may_read(place):
    foreign = storage.put(ALICE, ("company", "team", "other", "executions", "exec2", "x"), b"other").uri
    allowed = storage.put(ALICE, (*storage.input_folder("company.team", "report", "exec1", "file"), "x"), b"mine").uri
    files = storage.TaskRunFiles(ALICE, FOLDER, may_read=lambda uri: uri == allowed)
    uri = files.put("result.txt", b"42")
    assert files.open(uri).read() == b"42"
    assert files.size(allowed.replace("portico:", "kestra:")) == 4
    with pytest.raises(storage.AddressRefused):
        files.open(foreign)
    assert [(kept.name, kept.size) for kept in files.stored] == [("result.txt", 2)]
