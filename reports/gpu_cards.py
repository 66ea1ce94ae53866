"""Memory of GPU cards and how NVIDIA's can be cut into MIG slices: public facts that no sample tells.

Memory is what nvidia-smi shows as total, in whole GiB, rounded down. Slices follow the table of profiles of NVIDIA's MIG User Guide
(https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html, read 2026-11-28): an eighth, a quarter and a half of
the memory of an A100, H100 or H200. The driver keeps a part of each; `USABLE` is the least that is left (4.75 of 5 GiB on an A100).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

GIB = 2**30
USABLE = Decimal("0.95")


class Slice(NamedTuple):
    """A MIG profile: its compute slices of seven, its share of the memory, how many of them a card holds."""

    compute: int
    memory: Decimal
    instances: int

    @property
    def compute_share(self) -> Decimal:
        """Share of the card's compute."""
        return Decimal(self.compute) / 7


SLICES = (Slice(1, Decimal("0.125"), 7), Slice(2, Decimal("0.25"), 3), Slice(3, Decimal("0.5"), 2))
"""From the smallest on; a card of which only one fits is not cut."""
_PARTS = dict(zip((one.memory for one in SLICES), ("an eighth", "a quarter", "half"), strict=True))
MEMORY_GIB: Mapping[str, int] = {
    "h200-sxm": 140, "h100-sxm": 79, "h100-pcie": 79, "a100-80gb": 79, "a100-40gb": 39, "l40s": 44, "l4": 22, "t4": 14, "v100": 15,
}  # fmt: skip
"""By model of rate_cards/gpu.yaml; of cards sold with several sizes the smallest."""
CAN_BE_CUT = frozenset({"h200-sxm", "h100-sxm", "h100-pcie", "a100-80gb", "a100-40gb"})


def smallest_slice(card: str, memory_bytes: int, needed_bytes: int) -> Slice | None:
    """The smallest slice of a card that holds so much; None where none does, or the card cannot be cut.

    Args:
        card: model of rate_cards/gpu.yaml.
        memory_bytes: of the whole card.
        needed_bytes: what it has to hold.
    """
    if card not in CAN_BE_CUT:
        return None
    return next((one for one in SLICES if memory_bytes * one.memory * USABLE >= needed_bytes), None)


def named(one: Slice) -> str:
    """A slice in words: the memory in NVIDIA's names of profiles differs from card to card."""
    return f"{one.compute}g slices with {_PARTS[one.memory]} of the memory"
