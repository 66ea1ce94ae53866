"""NVML's figures, and what its errors mean: a figure that is missing, or a device that is gone.

`pynvml` (nvidia-ml-py) is loaded only here and only when asked for. Functions, units and errors are NVML's: nvidia-ml-py 13.615.71.
"""

import importlib
from collections.abc import Callable, Collection
from types import ModuleType, TracebackType
from typing import Any, Self

from meterbook.pipelines.collector_clock import Say

INSTALL = "gpu-sample needs NVIDIA's NVML bindings, which are not installed: pip install 'meterbook[gpu]' (or: pip install nvidia-ml-py)"
UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND = 1, 2, 3, 4, 6
DRIVER_NOT_LOADED, FUNCTION_NOT_FOUND, GPU_IS_LOST, RESET_REQUIRED = 9, 13, 15, 16
LIB_RM_VERSION_MISMATCH, GPU_NOT_FOUND, UNKNOWN = 18, 28, 999
"""NVML_ERROR_... of nvml.h."""
LACKING = {
    NOT_SUPPORTED: "not supported",
    NO_PERMISSION: "no permission",
    FUNCTION_NOT_FOUND: "the driver is too old for it",
}
"""Errors that stay: such a figure is not asked for again until devices are listed anew."""
GONE = frozenset({UNINITIALIZED, DRIVER_NOT_LOADED, GPU_IS_LOST, RESET_REQUIRED, LIB_RM_VERSION_MISMATCH, GPU_NOT_FOUND})
"""Errors that say of the whole device that it does not answer."""
RESTART = frozenset({UNINITIALIZED, DRIVER_NOT_LOADED, GPU_IS_LOST, LIB_RM_VERSION_MISMATCH, UNKNOWN})
"""Errors after which the library has to be loaded anew: the driver was, or a GPU fell off the bus."""
_BLANK_32, _NONE_32, _BLANK_64 = range(0x7FFFFFF0, 0x80000000), 0xFFFFFFFF, 0x7FFFFFFFFFFFFFF0
"""How NVML and DCGM write that there is no figure: all bits set, or the largest numbers of a signed field. None of them is a multiple of a
page, nor a likely count; an energy counter that passes one is unknown for one sample."""
_PERCENT = 100


def library() -> ModuleType:
    """NVIDIA's bindings.

    Raises:
        ModuleNotFoundError: they are not installed; the message says how they are.
    """
    try:
        return importlib.import_module("pynvml")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(INSTALL) from error


def known(value: int | None) -> int | None:
    """A figure; None where NVML has none, however it writes that."""
    if value is None or value < 0 or value >= _BLANK_64 or value == _NONE_32 or value in _BLANK_32:
        return None
    return value


def percent(value: int | None) -> int | None:
    """A figure of 0 to 100; None where it is another, as drivers give for processes that begin or end."""
    return value if value is not None and 0 <= value <= _PERCENT else None


class GoneError(Exception):
    """A device does not answer. `value` is NVML's error."""

    def __init__(self, value: int, why: str) -> None:
        super().__init__(why)
        self.value = value


class Figures:
    """What one device is asked: an answer, or None and, said once, why there is none.

    Args:
        nvml: the library.
        uuid: of the device, for what is said.
        said: what has been said of all devices.
        say: takes a line for people.
    """

    def __init__(self, nvml: ModuleType, uuid: str, said: set[tuple[str, str, str]], say: Say) -> None:
        self._nvml, self._uuid, self._said, self._say = nvml, uuid, said, say
        self._lacking: set[str] = set()
        self._given: set[str] = set()
        self._lost = False
        self._answers = 0
        self._failed: int | None = None

    def __enter__(self) -> Self:
        """Begin a sample."""
        self._answers, self._failed = 0, None
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        """End a sample.

        Raises:
            GoneError: the device answered nothing, and not because it lacks the figures.
        """
        if kind is None and self._failed is not None and not self._answers:
            raise GoneError(self._failed, "it does not answer")

    @property
    def is_other(self) -> bool:
        """Whether the device lacks what it had when it was listed: it is no longer what it was, as a GPU that was cut into slices."""
        return self._lost

    @property
    def failed(self) -> int | None:
        """An error of this sample that was none of a figure that the device lacks."""
        return self._failed

    def ask(self, figure: str, function: str, *arguments: object, empty: Collection[int] = ()) -> Any:  # noqa: ANN401 -- NVML's own structures
        """An answer of NVML; None where there is none.

        Args:
            figure: its name in what is said.
            function: of the library.
            arguments: its own.
            empty: errors by which this function says that there is nothing to list.

        Raises:
            GoneError: the device does not answer.
        """
        if figure in self._lacking:
            return None
        try:
            call: Callable[..., object] = getattr(self._nvml, function)
            answer = call(*arguments)
        except self._nvml.NVMLError as error:
            if error.value in GONE:
                raise GoneError(error.value, str(error)) from error
            if error.value in empty:
                return []
            if error.value in LACKING:
                self._lacking.add(figure)
                self._lost |= figure in self._given
            else:
                self._failed = error.value
            self.lack(figure, LACKING.get(error.value, str(error)))
            return None
        self._answers += 1
        self._given.add(figure)
        return answer

    def lack(self, figure: str, why: str) -> None:
        """Say, once, that a figure is not known."""
        if (self._uuid, figure, why) not in self._said:
            self._said.add((self._uuid, figure, why))
            self._say(f"{self._uuid}: {figure} is not known: {why}")
