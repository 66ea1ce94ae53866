"""Kueue's Workload objects: what is read of one, and the GPUs it asks for or was given."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

_GPU, _SLICE = re.compile(r"[a-z0-9.-]+/gpu"), re.compile(r"[a-z0-9.-]+/(?:gpu\.shared|mig-[a-z0-9.+]+)(?:\.shared)?")
_QUANTITY = re.compile(r"([0-9]{1,7})(m?)")
_MILLI = 1000
Resources = Mapping[str, str | int | float]


class _Named(msgspec.Struct):
    name: str | None = None


class Metadata(msgspec.Struct):
    """Who it is."""

    uid: str | None = None
    namespace: str | None = None
    name: str | None = None
    creationTimestamp: str | None = None  # noqa: N815 -- as the API spells it, here and below
    ownerReferences: list[_Named] = []  # noqa: N815


class _Needs(msgspec.Struct):
    requests: Resources | None = None
    limits: Resources | None = None


class _Container(msgspec.Struct):
    resources: _Needs | None = None


class _PodSpec(msgspec.Struct):
    containers: list[_Container] = []
    initContainers: list[_Container] | None = None  # noqa: N815


class _Template(msgspec.Struct):
    spec: _PodSpec | None = None


class _PodSet(msgspec.Struct):
    count: int | None = None
    template: _Template | None = None


class _Spec(msgspec.Struct):
    queueName: str | None = None  # noqa: N815
    priorityClassName: str | None = None  # noqa: N815
    priorityClassRef: _Named | None = None  # noqa: N815
    active: bool = True
    podSets: list[_PodSet] = []  # noqa: N815


class _Assignment(msgspec.Struct):
    flavors: Mapping[str, str] | None = None
    resourceUsage: Resources | None = None  # noqa: N815


class _Admission(msgspec.Struct):
    clusterQueue: str | None = None  # noqa: N815
    podSetAssignments: list[_Assignment] = []  # noqa: N815


class Condition(msgspec.Struct):
    """What is or was so, and since when."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    lastTransitionTime: str | None = None  # noqa: N815


class _Scheduling(msgspec.Struct):
    evictions: list[msgspec.Raw] = []


class _Status(msgspec.Struct):
    admission: _Admission | None = None
    conditions: list[Condition] = []
    accumulatedPastExecutionTimeSeconds: int | None = None  # noqa: N815
    accumulatedPastExexcutionTimeSeconds: int | None = None  # noqa: N815
    schedulingStats: _Scheduling | None = None  # noqa: N815


class Workload(msgspec.Struct):
    """What is read of a workload."""

    kind: str | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class Devices(NamedTuple):
    """What a workload asks for or was given.

    Args:
        gpus: whole GPUs.
        flavors: names of what they were taken from.
        slices: resources that are parts of GPUs, as text.
    """

    gpus: int
    flavors: list[str]
    slices: str


def devices(workload: Workload) -> Devices:
    """GPUs of the admission, else those its pods ask for.

    Raises:
        ValueError: a quantity is no whole number, or a count is negative.
    """
    assigned = workload.status.admission.podSetAssignments if workload.status.admission else []
    used = [one.resourceUsage for one in assigned if one.resourceUsage]
    asked = [_pod(one) for one in workload.spec.podSets]
    gpus = sum(_gpus(one) for one in used)
    if not used:
        gpus = sum(_count(pods) * _gpus(need) for pods, need in zip(workload.spec.podSets, asked, strict=True))
    flavors = [flavor for one in assigned for name, flavor in (one.flavors or {}).items() if _GPU.fullmatch(name)]
    slices = {name for one in (*used, *asked) for name in one if _SLICE.fullmatch(name)}
    return Devices(gpus, flavors, ", ".join(sorted(slices)))


def _count(pods: _PodSet) -> int:
    count = 1 if pods.count is None else pods.count
    if not 0 <= count < 10**7:
        raise ValueError(f"podSets count {count} is not a number of pods")
    return count


def _pod(pods: _PodSet) -> dict[str, str | int | float]:
    """What one pod of a set asks for: its containers together, or the largest of those that prepare it."""
    spec = pods.template.spec if pods.template and pods.template.spec else _PodSpec()
    needs = [_needs(one) for one in spec.containers]
    first = [_needs(one) for one in spec.initContainers or ()]
    names = {name for need in (*needs, *first) for name in need if _GPU.fullmatch(name) or _SLICE.fullmatch(name)}
    return {
        name: max(sum(_whole(name, need[name]) for need in needs if name in need), *(_whole(name, need.get(name, 0)) for need in first), 0)
        for name in names
    }


def _needs(container: _Container) -> Resources:
    # A GPU's request and limit are one; either may be left out.
    need = container.resources or _Needs()
    return {**(need.limits or {}), **(need.requests or {})}


def _gpus(resources: Resources) -> int:
    return sum(_whole(name, quantity) for name, quantity in resources.items() if _GPU.fullmatch(name))


def _whole(name: str, quantity: str | float) -> int:
    found = _QUANTITY.fullmatch(str(quantity))
    if not found or (found[2] and int(found[1]) % _MILLI):
        raise ValueError(f"{name} '{str(quantity)[:80]}' is not a whole number")
    return int(found[1]) // _MILLI if found[2] else int(found[1])
