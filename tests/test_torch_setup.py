"""What is settled before PyTorch is loaded: threads, waiting, precision, torchvision."""

import json
import os
import sys
from types import SimpleNamespace

import pytest
from toy_cases import python

from ftlearn import torch_setup

UNSET = {"OMP_NUM_THREADS": None, "OMP_WAIT_POLICY": None, "FTLEARN_SHARED": None}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)


def version_1(quota):
    return {"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    "cpus, files, threads",
    [
        (8, {"cpu.max": "200000 100000\n"}, 2),
        (8, {"cpu.max": "150000 100000\n"}, 2),  # one and a half CPUs keep two threads busy
        (8, {"cpu.max": "20000 100000\n"}, 1),
        (8, {"cpu.max": "1600000 100000\n"}, 8),
        (8, {"cpu.max": "max 100000\n"}, 8),
        (8, {"cpu.max": ""}, 8),
        (8, version_1(300000), 3),
        (8, version_1(-1), 8),
        (8, {"cpu.max": "400000 100000", **version_1(100000)}, 4),  # version 2 is asked first
        (8, {}, 8),
        (1, {"cpu.max": "400000 100000"}, 1),
    ],
)
def test_a_quota_of_either_version_limits_the_threads_and_so_does_the_affinity(
    cpus, files, threads, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cpus)), raising=False)
    write(tmp_path, files)
    assert torch_setup.cpu_limit(tmp_path) == threads


@pytest.mark.parametrize("cpus, threads", [(6, 6), (None, 1)])
def test_a_system_without_affinity_counts_its_cpus(cpus, threads, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    assert torch_setup.cpu_limit(tmp_path) == threads


@pytest.fixture
def eight_gigabytes(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=8_000_000_000))


@pytest.mark.parametrize(
    ("file", "content", "limit"),
    [
        ("memory.max", "2147483648\n", 2_147_483_648),
        ("memory.max", "max\n", 8_000_000_000),
        ("memory/memory.limit_in_bytes", "1500000000\n", 1_500_000_000),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", 8_000_000_000),
    ],
)
def test_a_control_group_limits_the_memory(file, content, limit, tmp_path, eight_gigabytes):
    write(tmp_path, {file: content})
    assert torch_setup.memory_limit(tmp_path) == limit


def test_a_limit_of_the_process_counts(tmp_path, eight_gigabytes, monkeypatch):
    resource = pytest.importorskip("resource")
    limits = {resource.RLIMIT_AS: (2_000_000_000, resource.RLIM_INFINITY)}
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits.get(which, unlimited))
    assert torch_setup.memory_limit(tmp_path) == 2_000_000_000


@pytest.mark.parametrize(("limit", "scarce"), [(2_900_000_000, True), (3_000_000_000, False)])
def test_memory_is_scarce_below_three_gigabytes(limit, scarce, monkeypatch):
    monkeypatch.setattr(torch_setup, "memory_limit", lambda: limit)
    assert torch_setup.memory_is_scarce.__wrapped__() is scarce


@pytest.fixture
def before_torch(monkeypatch):
    """As at an import on four CPUs, with torch not loaded and nothing said; what was set is undone.

    Gives a function: so many of the four are in use, and so many threads are worth starting.
    """
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    for name in UNSET:
        monkeypatch.setenv(name, "")  # remembered, so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setattr(torch_setup, "_set_here", set())
    monkeypatch.setattr(torch_setup, "waiting", "")
    monkeypatch.setattr(torch_setup, "_cpus", lambda: set(range(4)))

    def settle(taken, threads=4):
        monkeypatch.setattr(torch_setup, "_taken_by_others", lambda: taken)
        torch_setup._settle_waiting(threads)
        return os.environ.get("OMP_WAIT_POLICY")

    return settle


@pytest.mark.parametrize(
    ("taken", "threads", "policy"),
    [(0.4, 4, None), (1.0, 4, "PASSIVE"), (1.0, 2, None), (3.0, 2, "PASSIVE")],
)
def test_threads_wait_passively_where_others_need_their_cpus(taken, threads, policy, before_torch):
    assert before_torch(taken, threads) == policy
    assert torch_setup.waiting.startswith("passive" if policy else "spinning")
    assert f"others used {taken} of 4 CPUs" in torch_setup.waiting


@pytest.mark.parametrize(
    ("name", "said", "taken", "policy", "words"),
    [
        ("FTLEARN_SHARED", "1", 0.0, "PASSIVE", "passive, as FTLEARN_SHARED=1 says"),
        ("FTLEARN_SHARED", "0", 4.0, None, "spinning, as FTLEARN_SHARED=0 says"),
        ("OMP_WAIT_POLICY", "ACTIVE", 4.0, "ACTIVE", "as OMP_WAIT_POLICY=ACTIVE says"),
    ],
)
def test_what_the_user_says_wins(name, said, taken, policy, words, before_torch, monkeypatch):
    monkeypatch.setenv(name, said)
    assert before_torch(taken) == policy
    assert torch_setup.waiting == words


def test_where_torch_was_loaded_first_nothing_is_set_and_another_process_looks_for_itself(
    before_torch, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", object())
        assert before_torch(4.0) is None
    assert "torch was loaded before" in torch_setup.waiting
    before_torch(4.0)
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert "OMP_WAIT_POLICY" not in torch_setup.untouched_environment()
    os.environ["OMP_NUM_THREADS"] = "3"  # not set by the course
    assert torch_setup.untouched_environment()["OMP_NUM_THREADS"] == "3"


LOOK = """
import json, os, sys
before = dict(os.environ)
import ftlearn
heavy = ["torch", "transformers", "sklearn", "pandas", "datasets", "matplotlib", "scipy", "numpy"]
changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
print(json.dumps([sorted(set(heavy) & set(sys.modules)), changed]))
"""


def test_importing_ftlearn_loads_no_heavy_library_and_leaves_their_settings_alone():
    loaded, changed = json.loads(python(LOOK, **UNSET | {"FTLEARN_SHARED": "0"}).stdout)
    assert loaded == []
    limit = torch_setup.cpu_limit()
    limited = limit < len(torch_setup._cpus())
    assert changed == ({"OMP_NUM_THREADS": str(limit)} if limited else {})
    mine = {"OMP_NUM_THREADS": "7", "FTLEARN_SHARED": "1"}
    _, changed = json.loads(python(LOOK, **UNSET | mine).stdout)
    assert changed == {"OMP_WAIT_POLICY": "PASSIVE"}


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    import ftlearn

    with pytest.raises(AttributeError, match="module 'ftlearn' has no attribute 'finetune'"):
        ftlearn.finetune  # noqa: B018
    assert {"fine_tune", "open_case", "judge"} <= set(dir(ftlearn))


# What torchvision itself does at import, with the real error of torch where the operator is absent.
MISMATCHED = "import torch\nfrom . import _registrations"
REGISTRATIONS = """
from torch import library
library.register_fake("torchvision::nms")(lambda dets, scores, iou_threshold: dets)
library.register_fake("torchvision::qnms")(lambda dets, scores, iou_threshold: dets)
done = True
"""


@pytest.fixture
def fake_torchvision(tmp_path):
    """Writes a package called torchvision; returns code that puts it before the real one."""

    def make(**files):
        write(tmp_path, {f"torchvision/{name}.py": content for name, content in files.items()})
        return f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"

    return make


def test_a_torchvision_of_another_build_can_be_imported(fake_torchvision):
    first = fake_torchvision(__init__=MISMATCHED, _registrations=REGISTRATIONS)
    alone = python(first + "import torchvision", check=False)
    assert "operator torchvision::nms does not exist" in alone.stderr
    code = "import ftlearn, torchvision; print(torchvision._registrations.done)"
    assert python(first + code).stdout.strip() == "True"


@pytest.mark.parametrize(
    "files, code, printed",
    [
        (
            {"__init__": "raise RuntimeError('the driver is too old')"},
            "try:\n import torchvision\nexcept RuntimeError as error:\n print(error)\n"
            "print('torch' in sys.modules, 'torchvision' in sys.modules)",
            "the driver is too old\nFalse False\n",
        ),
        (
            {"__init__": "from . import inner", "inner": "count = 1"},
            "import torchvision; from ftlearn import torch_setup as setup\n"
            "print(torchvision.inner.count, setup._schemas_library, 'torch' in sys.modules)",
            "1 None False\n",
        ),
    ],
    ids=["another error is not hidden", "a working one is left alone"],
)
def test_another_torchvision_is_imported_as_it_is(files, code, printed, fake_torchvision):
    assert python(fake_torchvision(**files) + "import ftlearn\n" + code).stdout == printed


@pytest.mark.parametrize(
    "amx, avx512, isa, expected",
    [
        (0, 0, "", False),
        (1, 0, "", True),
        (0, 1, "", True),
        (1, 1, "AVX2", False),  # oneDNN may not use them
        (1, 1, "AVX512_CORE_AMX", True),
    ],
)
def test_bf16_on_a_cpu_asks_for_its_instructions(amx, avx512, isa, expected, monkeypatch):
    monkeypatch.setattr(torch_setup, "device", lambda: "cpu")
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: bool(amx))
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: bool(avx512))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", isa)
    assert torch_setup.supports_bf16() is expected


@pytest.mark.parametrize(
    "device, card, expected", [("mps", True, False), ("cuda", True, True), ("cuda", False, False)]
)
def test_bf16_is_off_on_mps_and_asked_of_the_card_on_cuda(device, card, expected, monkeypatch):
    monkeypatch.setattr(torch_setup, "device", lambda: device)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: card)
    assert torch_setup.supports_bf16() is expected


@pytest.fixture
def present(monkeypatch):
    """Says which devices this machine has beside its CPU, and which one the user wants."""

    def say(kinds, wanted):
        mps = SimpleNamespace(is_available=lambda: "mps" in kinds)
        monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in kinds)
        monkeypatch.setattr("torch.backends", SimpleNamespace(mps=mps))
        monkeypatch.setenv("FTLEARN_DEVICE", wanted)

    return say


@pytest.mark.parametrize(
    "kinds, wanted, device",
    [
        ((), "", "cpu"),
        (("mps",), "", "mps"),
        (("cuda", "mps"), "", "cuda"),
        (("cuda",), "cpu", "cpu"),
        (("cuda", "mps"), "mps", "mps"),
    ],
)
def test_the_device_is_the_one_that_is_wanted_else_the_first(kinds, wanted, device, present):
    present(kinds, wanted)
    assert torch_setup.device() == device


@pytest.mark.parametrize(("wanted", "there"), [("cuda", "cpu"), ("mps", "cpu"), ("mps", "cuda")])
def test_a_device_that_is_absent_is_refused_in_one_sentence(wanted, there, present):
    present({there}, wanted)
    with pytest.raises(ValueError, match=f"FTLEARN_DEVICE is '{wanted}'.*has {there}") as caught:
        torch_setup.device()
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_the_machine_is_described_in_full():
    machine = torch_setup.machine()
    assert set(machine) == {"cpu", "threads", "memory_gb", "device", "bf16", "system"}
    assert machine["cpu"] and machine["system"] and machine["memory_gb"] > 0.5


def test_the_peak_of_memory_is_this_processes_own():
    code = "from ftlearn.torch_setup import peak_memory_mb as peak; before = peak()\n"
    code += "block = bytearray(300_000_000); del block\nprint(before, peak())"
    mine = bytearray(400_000_000)  # a parent's memory is not counted
    before, after = map(float, python(code).stdout.split())
    del mine
    assert before < 300 and 290 < after - before < 400
