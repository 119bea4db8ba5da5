"""Several processes that train one model, each on its part of every batch: what they tell one another.

`torchrun` starts the processes; each holds all weights and takes an equal slice of the global batch, whose pictures,
crops and mirrorings are the same whatever the number of processes. After each backward pass the gradients are averaged
by one all-reduce of a flat copy. DistributedDataParallel around each network was not taken: its reducer hooks expect
one forward and one backward pass of a set of parameters that stays, while here each generator runs twice before one
backward pass, and each discriminator runs with its parameters frozen in one half of the step and trained in the other.
What DDP would add is the overlap of the sending with the backward pass; what its lack costs (the paper's generators
have 435 MB of fp32 gradients) is yet to be measured on GPUs.

Where one process fails, all end, and the first says why (`joined`). Its last words go into the store by which the
processes found each other, before its connections close: who then fails in a collective reads them there. With NCCL,
too, a process mostly waits in `any`, which goes by gloo. One that no closed connection wakes (it waits for its GPU, the
group is not yet there, it is alone with long work) is ended by a thread that looks for those words (`_watched`);
otherwise it would wait for torchrun to kill it, on another machine for `PATIENCE`. What could not be tried without
GPUs: that aborting the group frees a GPU whose collective of NCCL still waits, and that the thread ends a process that
waits for one. Who waits so for a process that was killed outright, wordless and on another machine, has `PATIENCE`.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from scgan_data.errors import ConfigError, ScganError, StoppedError, one_line

T = TypeVar("T")
PATIENCE = timedelta(minutes=60)
"""How long a process waits for the first one, which alone draws samples, measures KID and writes."""
FINDING = timedelta(minutes=5)
"""How long a process looks for the store, which torchrun has opened before it starts any."""
LOOK_S, GRACE_S = 1.0, 15.0
"""How often a process looks whether another has failed, and how long it then has to end by itself."""
_WORDS, _HEARD = "last words", "heard by the first"
_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "ncclRemoteError")
"""What gloo and NCCL say where the other end of a connection is gone."""
KILLED = (
    "another process ended without a word (killed, out of memory?); the same command goes on from the last checkpoint"
)


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
        dist.all_gather_object(said, None if error is None else _line(error))
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


def is_first() -> bool:
    """Whether this is the process that speaks, before and after it has joined others."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: Callable[[], str]) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, or be alone. On `cuda` each takes the GPU of its local rank.

    `device` may raise. Raises ScganError in every process where it, or the work, failed in another one.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        device()  # what it raises is said before anything is opened
        yield ALONE
        return
    store, rank, count = next(rendezvous("env://", timeout=FINDING))
    store.set_timeout(PATIENCE)
    with _watched(store.clone()):  # a client of its own: while one waits for a key it answers nobody else
        try:
            _join(PrefixStore("group", store), rank, count, device())
            yield Ranks(rank, count)
        except StoppedError:
            raise  # all of them, together
        except Exception as error:
            is_gone = isinstance(error, RuntimeError) and any(words in str(error) for words in _GONE)
            own = KILLED if is_gone else f"process {rank}: {_line(error)}"
            words = _last_words(store, own, error)
            if is_gone or (isinstance(error, RuntimeError) and words != own):
                raise ScganError(words) from error
            raise
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()


def _join(store: Store, rank: int, count: int, device: str) -> None:
    if device == "cuda":
        gpu, found = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if gpu >= found:
            raise ConfigError(f"torchrun started more processes than there are GPUs here: --nproc-per-node {found}")
        torch.cuda.set_device(gpu)
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=PATIENCE)


def _last_words(store: Store, own: str, error: Exception) -> str:
    """The words of the process that failed first, ours perhaps. Closes the connections, which wakes the others, and
    comes back when the first process knows: once another has ended, torchrun ends that one too."""
    if is_first() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the line is still to be said
    words = own
    with suppress(RuntimeError):  # the store may be gone, and with it the first machine's torchrun
        words = store.compare_set(_WORDS, "", own).decode()
    traceback.clear_frames(error.__traceback__)  # whose variables may hold the group
    if dist.group.WORLD is not None:
        dist.group.WORLD.abort()  # a collective of NCCL that still waits would keep the next line waiting
        dist.destroy_process_group()
    with suppress(RuntimeError):
        if is_first():
            store.set(_HEARD, "")
        else:
            store.wait([_HEARD])  # as long as `_watched` lets it
    return words


@contextmanager
def _watched(store: Store) -> Iterator[None]:
    """Meanwhile a thread ends this process where another has failed, or the store is gone, and this one has not ended
    by itself within GRACE_S; twice that where it is not the first, which is to say why."""
    ended = threading.Event()

    def watch() -> None:
        words = KILLED
        with suppress(RuntimeError):  # the store is gone, and with it the first machine's torchrun
            while not store.check([_WORDS]):
                if ended.wait(LOOK_S):
                    return
            words = store.get(_WORDS).decode()
        if ended.wait(GRACE_S if is_first() else 2 * GRACE_S):
            return
        if is_first():
            os.write(2, f"error: {words}\n".encode())  # past a progress bar's own standard error, which wraps lines
            with suppress(RuntimeError):
                store.set(_HEARD, "")
        os._exit(1)

    thread = threading.Thread(target=watch, daemon=True, name="watch the other processes")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LOOK_S)  # one that is in the store's code while Python ends brings the process down


def _line(error: Exception) -> str:
    """An error in one line, whatever it is."""
    return one_line(error) or f"{type(error).__name__}: {' '.join(str(error).split())}"
