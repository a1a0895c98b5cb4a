"""What must be settled before PyTorch is loaded: threads, waiting, precision, torchvision.

`ftlearn` calls `prepare` when it is imported, so a notebook imports `ftlearn` first.
Nothing here imports torch at that moment.
"""

import contextlib
import ctypes
import gc
import importlib.abc
import importlib.machinery
import math
import os
import platform
import re
import sys
from pathlib import Path

# Two operator schemas that torchvision's compiled library would declare. Models and transforms
# never call them; declaring them is enough for a torchvision built for another accelerator.
_TORCHVISION_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_ISA_WITHOUT_BF16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h
_schemas_library = None  # kept: torch forgets the schemas when the library object dies


def prepare():
    """Set the OpenMP variables and install the torchvision guard; call before torch is loaded.

    Threads are limited to what the container really grants; idle threads wait passively, which
    costs nothing on an idle machine and saves most of the speed on a busy one. A variable that is
    already set is left alone.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(cpu_limit()))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    # oneDNN keeps a compiled kernel for every shape it meets; 64 are plenty, 1,024 cost 100 MB.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    # Fast tokenizers warn about forked workers; the course starts none.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _return_freed_memory()
    install_torchvision_guard()


def _return_freed_memory():
    """Have the C library give large freed blocks back at once; it would keep some 100 MB.

    A step of training frees and takes activations of ever other sizes. Only glibc knows mallopt.
    It costs time where pages are dear, as in a sandbox; glibc's own variable then wins.
    """
    if _is_glibc() and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)


@contextlib.contextmanager
def kept_memory():
    """Have the C library keep large freed blocks meanwhile, and give them back at the end.

    A step on images takes and frees the same large blocks again and again. Giving each back to
    the system cost more than half of the time on a machine where pages are dear.
    """
    ours = _is_glibc() and "MALLOC_MMAP_THRESHOLD_" not in os.environ
    if ours:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, 1 << 30)
    try:
        yield
    finally:
        if ours:
            ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, 128 << 10)
            _return_freed_memory()
            release_memory()


def peak_memory_mb():
    """Largest resident memory that this process has had, in MB.

    Returns
    -------
    float
    """
    status = Path("/proc/self/status")
    if status.exists():  # Linux; what `resource` tells there includes the parent's before exec
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(peak) * 1024 / 1e6
    import psutil

    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return memory.peak_wset / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def release_memory():
    """Give back what is no longer used: unreachable objects, then free blocks of the C library."""
    gc.collect()
    return_free_blocks()


def return_free_blocks():
    """Give back what the C library keeps of freed memory; takes milliseconds."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc():
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def cpu_limit(cgroup=Path("/sys/fs/cgroup")):
    """Number of threads worth starting.

    Parameters
    ----------
    cgroup : pathlib.Path
        Where the control groups are mounted.

    Returns
    -------
    int
        The smaller of the process's CPU affinity and its control group's CPU quota, at least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:
        available = os.cpu_count() or 1
    quota = _cgroup_quota(cgroup)
    return max(1, min(available, math.ceil(quota)) if quota else available)


def _cgroup_quota(cgroup):
    """CPUs granted by the control group (version 2, then 1), or None where unlimited."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)


class _TorchvisionGuard(importlib.abc.MetaPathFinder):
    """Wraps the loader of torchvision, so that the guard acts only where its import fails."""

    def find_spec(self, name, path=None, target=None):
        if name != "torchvision":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _GuardedLoader(spec.loader)
        return spec


class _GuardedLoader(importlib.abc.Loader):
    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        try:
            self._loader.exec_module(module)
        except RuntimeError as error:
            if "operator torchvision::nms does not exist" not in str(error):
                raise
            _declare_torchvision_schemas()
            for name in [n for n in sys.modules if n.startswith("torchvision.")]:
                del sys.modules[name]
            self._loader.exec_module(module)


def _declare_torchvision_schemas():
    global _schemas_library
    from torch import library

    _schemas_library = library.Library("torchvision", "DEF")
    for schema in _TORCHVISION_SCHEMAS:
        _schemas_library.define(schema)


def install_torchvision_guard():
    """Let ``import torchvision`` succeed where its build and torch's do not match.

    A CPU build of torch beside a CUDA build of torchvision fails with ``operator
    torchvision::nms does not exist``, and takes transformers with it. The guard retries the
    import once, with the missing operators declared. It does nothing where the import works.
    """
    if not any(isinstance(finder, _TorchvisionGuard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchvisionGuard())


def supports_bf16():
    """Whether training in bfloat16 is worth it on the device that will be used.

    Returns
    -------
    bool
        On a CPU: whether it has bfloat16 instructions (AMX or AVX-512 BF16) and oneDNN may use
        them (its own variable ``ONEDNN_MAX_CPU_ISA`` can forbid it); on CUDA: whether the card
        supports it; on MPS: False.
    """
    import torch

    kind = device()
    if kind == "cuda":
        return torch.cuda.is_bf16_supported()
    if kind == "mps" or os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _ISA_WITHOUT_BF16:
        return False
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def device():
    """Where models run.

    Returns
    -------
    str
        ``"cuda"``, ``"mps"`` or ``"cpu"``, the first that is present.
    """
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def machine():
    """Describe the machine, for reports.

    Returns
    -------
    dict
        ``cpu`` (str), ``threads`` (int), ``memory_gb`` (float), ``device`` (str), ``bf16`` (bool),
        ``system`` (str).
    """
    import psutil

    return {
        "cpu": _cpu_name(),
        "threads": cpu_limit(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "device": device(),
        "bf16": supports_bf16(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_name():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
