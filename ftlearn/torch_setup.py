"""What must be settled before PyTorch is loaded: threads, waiting, precision, torchvision.

`ftlearn` calls `prepare` when it is imported, so a notebook imports `ftlearn` first.
Nothing here imports torch at that moment.
"""

import contextlib
import ctypes
import functools
import gc
import importlib.abc
import importlib.machinery
import math
import os
import platform
import re
import sys
from pathlib import Path

import psutil

from . import settings

# Two operator schemas that torchvision's compiled library would declare. Models and transforms
# never call them; declaring them is enough for a torchvision built for another accelerator.
_TORCHVISION_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_ISA_WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
ENOUGH_MEMORY = 3_000_000_000  # bytes; with less, memory is traded for time
_schemas_library = None  # kept: torch forgets the schemas when the library object dies
_set_here = set()  # variables that `prepare` has set
waiting = "not settled"  # how idle threads wait, and why; `prepare` says


def prepare():
    """Before torch is loaded: a CPU quota limits the threads; beside others they wait passively.

    The libraries keep their own settings otherwise. A variable that is set already stays.
    """
    threads = cpu_limit()
    if threads < len(_cpus()):
        _set("OMP_NUM_THREADS", str(threads))
    _settle_waiting(threads)
    install_torchvision_guard()


def _set(name, value):
    if name not in os.environ:
        os.environ[name] = value
        _set_here.add(name)


def untouched_environment():
    """The environment without what `prepare` has set, for a process that is to look for itself."""
    return {name: value for name, value in os.environ.items() if name not in _set_here}


def _settle_waiting(threads):
    """Let idle threads wait passively where others want the CPU that they would spin on.

    OpenMP's own way, spinning, is the fastest on an idle machine and the slowest on a busy one;
    benchmarks/RESULTS.md has the figures.
    """
    global waiting
    shared = settings.shared()
    if "OMP_WAIT_POLICY" in os.environ:
        waiting = f"as OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']} says"
    elif "torch" in sys.modules:
        waiting = "spinning: torch was loaded before ftlearn"
    elif shared is not None:
        waiting = f"{'passive' if shared else 'spinning'}, as FTLEARN_SHARED={shared:d} says"
    else:
        taken, cpus = _taken_by_others(), len(_cpus())
        passive = taken > cpus - threads + 0.5
        waiting = f"{'passive' if passive else 'spinning'}: others used {taken:.1f} of {cpus} CPUs"
    if waiting.startswith("passive"):
        _set("OMP_WAIT_POLICY", "PASSIVE")


def _taken_by_others():
    """How many of this process's CPUs are in use while it sleeps for a moment."""
    used = psutil.cpu_percent(0.1, percpu=True)
    return sum(share for cpu, share in enumerate(used) if cpu in _cpus()) / 100


def peak_memory_mb():
    status = Path("/proc/self/status")
    if status.exists():  # Linux; what `resource` tells there includes the parent's before exec
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(peak) * 1024 / 1e6
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return memory.peak_wset / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def memory_limit(cgroup=Path("/sys/fs/cgroup")):
    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            limits.append(int((cgroup / name).read_text()))
    with contextlib.suppress(ImportError):  # Windows
        import resource

        own = (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_RSS)
        soft = (resource.getrlimit(limit)[0] for limit in own)
        limits += [limit for limit in soft if limit != resource.RLIM_INFINITY]
    return min(limits)


@functools.cache
def memory_is_scarce():
    """Whether memory is worth time here, as on Binder."""
    return memory_limit() < ENOUGH_MEMORY


def release_memory():
    """Give back what is no longer used: unreachable objects, then free blocks of the C library."""
    gc.collect()
    return_free_blocks()


def return_free_blocks():
    """Give back what the C library keeps of freed memory: milliseconds, after much was computed."""
    if _has_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def large_blocks_apart():
    """Let freed blocks above 1.5 MB go back at once: 300 MB less in fragments, a fifth slower."""
    if not _has_glibc():
        yield
        return
    threshold = functools.partial(ctypes.CDLL(None).mallopt, -3)  # M_MMAP_THRESHOLD
    threshold(3 << 19)
    try:
        yield
    finally:
        threshold(32 << 20)  # as high as glibc goes by itself


def _has_glibc():
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def cpu_limit(cgroup=Path("/sys/fs/cgroup")):
    """Number of threads worth starting."""
    available, quota = len(_cpus()), _cgroup_quota(cgroup)
    return max(1, min(available, math.ceil(quota)) if quota else available)


def _cpus():
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _cgroup_quota(cgroup):
    """CPUs granted by the control group, version 2 or 1; None where unlimited."""
    first = [cgroup / "cpu" / f"cpu.cfs_{name}_us" for name in ("quota", "period")]
    for paths in ([cgroup / "cpu.max"], first):
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            quota, period = " ".join(path.read_text() for path in paths).split()
            return int(quota) / int(period) if int(quota) > 0 else None
    return None


class _TorchvisionGuard(importlib.abc.MetaPathFinder):
    """Finds torchvision as usual; its loader acts only where the import fails."""

    def find_spec(self, name, path=None, target=None):
        if name != "torchvision":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_guarded, spec.loader.exec_module)
        return spec


def _guarded(execute, module):
    global _schemas_library
    try:
        execute(module)
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        from torch import library

        _schemas_library = library.Library("torchvision", "DEF")
        for schema in _TORCHVISION_SCHEMAS:
            _schemas_library.define(schema)
        for name in [n for n in sys.modules if n.startswith("torchvision.")]:
            del sys.modules[name]
        execute(module)


def install_torchvision_guard():
    """Let ``import torchvision`` succeed where its build and torch's do not match.

    A CPU build of torch beside a CUDA build of torchvision fails with ``operator
    torchvision::nms does not exist``, and takes transformers with it. The guard retries the
    import once, with the missing operators declared. It does nothing where the import works.
    """
    if not any(isinstance(finder, _TorchvisionGuard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchvisionGuard())


def supports_bf16():
    """Whether training in bfloat16 is worth it on the device that will be used."""
    import torch

    kind = device()
    if kind == "cuda":
        return torch.cuda.is_bf16_supported()
    if kind == "mps" or os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _ISA_WITHOUT_BF16:
        return False
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def device():
    """Where models run: what ``FTLEARN_DEVICE`` says, else the first of CUDA, MPS and CPU."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    present = [*(kind for kind, is_there in there.items() if is_there), "cpu"]
    wanted = settings.device() or present[0]
    if wanted not in present:
        raise settings.BadSetting(
            f"environment variable FTLEARN_DEVICE is {wanted!r}, and this machine has "
            f"{' and '.join(present)} alone; choose one of these, or take the variable away."
        )
    return wanted


def machine():
    return {
        "cpu": _cpu_name(),
        "threads": cpu_limit(),
        "memory_gb": round(memory_limit() / 1e9, 1),
        "device": device(),
        "bf16": supports_bf16(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_name():
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
