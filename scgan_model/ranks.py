"""Several processes that train one model, each on its part of every batch: what they tell one another.

`torchrun` starts the processes; each holds all weights and takes an equal slice of the global batch, whose pictures,
crops and mirrorings are the same whatever the number of processes. After each backward pass the gradients are averaged
by one all-reduce of a flat copy. DistributedDataParallel around each network was not taken: its reducer hooks expect
one forward and one backward pass of a set of parameters that stays, while here each generator runs twice before one
backward pass, and each discriminator runs with its parameters frozen in one half of the step and trained in the other.
What DDP would add is the overlap of the sending with the backward pass; what its lack costs (the paper's generators
have 435 MB of fp32 gradients) is yet to be measured on GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from scgan_data.errors import ScganError, one_line

T = TypeVar("T")
PATIENCE = timedelta(minutes=60)
"""How long a process waits for the first one, which alone draws samples, measures KID and writes."""


@dataclass(frozen=True)
class Ranks:
    """This process among `count`. With one, every method gives back what it got and sends nothing."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that logs, draws and writes."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """This process's slice of the rows of something that belongs to the global batch."""
        size = len(batch) // self.count
        return batch[self.rank * size : (self.rank + 1) * size]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the processes."""
        if self.count > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.count
        return value

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in one of the processes at least."""
        if self.count == 1:
            return flag
        found = torch.tensor(int(flag))  # on the CPU, by gloo: no GPU has to wait
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return bool(found)

    def together(self, work: Callable[[], T]) -> T:
        """What `work`, which waits for no other process, gives here. Where it raises in one process all raise: that one
        its own error, the others ScganError with its words. Otherwise they would wait for one that has left, with NCCL
        as long as `PATIENCE`."""
        if self.count == 1:
            return work()
        error: Exception | None = None
        try:
            found = work()
        except Exception as caught:
            error = caught
        said: list[str | None] = [None] * self.count
        dist.all_gather_object(said, None if error is None else one_line(error) or f"{type(error).__name__}: {error}")
        if error is not None:
            raise error
        for rank, line in enumerate(said):
            if line is not None:
                raise ScganError(f"process {rank}: {line}")
        return found

    def by_first(self, work: Callable[[], T]) -> T | None:
        """What `work` gives in the first process, None in the others; they too raise where it raises."""
        return self.together(lambda: work() if self.first else None)

    def share(self, value: T) -> T:
        """The first process's value."""
        if self.count == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[no-any-return]

    def share_tensors(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite this process's tensors by the first one's."""
        for tensor in tensors if self.count > 1 else ():
            dist.broadcast(tensor.data, src=0)

    def gather(self, value: T) -> list[T]:
        """Every process's value, in order, for the first one; an empty list for the others."""
        if self.count == 1:
            return [value]
        found: list[Any] | None = [None] * self.count if self.first else None
        dist.gather_object(value, found)
        return found or []


ALONE = Ranks()


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, or be alone. On `cuda` each takes the GPU of its local rank."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
