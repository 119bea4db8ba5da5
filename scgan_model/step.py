"""One training step: Eq. 8 for both generators, then Eq. 2 for both discriminators.

The fakes are made once: the discriminators' half sees them again detached (through the pools), real and fake in one
pass. The discriminators are frozen while the generators learn, so that no gradient of theirs is computed twice. No
value is read back from the device: losses stay tensors until somebody logs them.

The demo's settings, measured on 300 CelebA selfies and 300 avataaars portraits at 64 px with 60 selfies held out; CPU
time of a step is on one thread, cycle error that of the held-out selfies (.512 untrained, .55 to .59 for
resize-convolution):

    batch 4, lr 4e-4, beta 2             .49 s   .127 after 600 steps; cartoons, with a noise of coloured dots
    batch 2, lr 6e-4, beta 2             .38 s   .124 after 450; far less noise for half of the work
    batch 4, lr 1e-3, beta 4             .49 s   .116 after 300; smooth
    batch 2, lr 1e-3, beta 4             .38 s   .102 after 1,100; cartoons with each selfie's hair and background
      the same, portraits cut by a photo detector's landmarks      .098; half photographs: see crop.framed
    resize-convolution, 34x34 patches            .103 after 600; tinted photographs: small patches never ask for a face
    resize-convolution, 70x70 patches            .150 after 150; light and dark exchanged, streaks
    alpha 5, gamma .25, batch 4                  .250 after 150; grey, a strong checkerboard

(lr is the generators'; the discriminators' was 4e-4 throughout.) 80 % of a step is convolutions; without VGG19 it takes
.32 s instead of .49, in fp32 .76; channels_last wins 3 % in VGG19, where it is on, and loses 3 % in the small networks.
Batch 1 still takes .30 s, so 2 is the batch at which a second of work teaches most.

Two threads on a machine that has other work wait for each other: at a load of 3 to 4 on two cores a demo step took
.32 s (median) with one thread and 1.67 s with two, hence the demo's one thread. OMP_WAIT_POLICY=passive
in the environment, before torch is imported, softens it: without it a generator's pass of .1 s took 1.3 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scgan_model import losses
from scgan_model.config import TrainConfig
from scgan_model.data import Batch, derived_seed
from scgan_model.ema import Ema
from scgan_model.networks import Networks, build
from scgan_model.passes import Passes, passes
from scgan_model.pool import ImagePool
from scgan_model.ranks import ALONE, Ranks
from scgan_model.vgg import VGG19, activation_scale

Losses = dict[str, Tensor]
"""Scalars by name, detached: the terms of Eq. 8 unweighted, its weighted sum as `total`, and `d_a`, `d_b`."""


def unmarked(part: str) -> None:
    """Nobody profiles."""


@dataclass
class State:
    """Everything that a step reads and changes."""

    config: TrainConfig
    device: torch.device
    networks: Networks
    adam_g: torch.optim.Adam
    adam_d: torch.optim.Adam
    pool_a: ImagePool
    pool_b: ImagePool
    vgg: VGG19 | None
    l_per_scale: float | None
    """What Eq. 7 is divided by; None where gamma is 0."""
    passes: Passes
    """The networks as a step calls them."""
    ema: Ema | None
    ranks: Ranks = ALONE
    """This process among those that train the same model."""
    mark: Callable[[str], None] = unmarked
    """Called with the name of the part of a step that begins (`profiling.PARTS`)."""

    @property
    def shown(self) -> Networks:
        """The networks with the generators that people and metrics look at: the averages where there are some."""
        return self.ema.shown(self.networks) if self.ema else self.networks

    def weights(self) -> list[Tensor]:
        """All networks' weights, the averages' too."""
        averages = [*self.ema.g_ab.parameters(), *self.ema.g_ba.parameters()] if self.ema else []
        return [*self.networks.generators(), *self.networks.discriminators(), *averages]


def start(
    config: TrainConfig,
    device: torch.device,
    photographs: Tensor,
    *,
    l_per_scale: float | None = None,
    ranks: Ranks = ALONE,
) -> State:
    """The state before the first step. `photographs` (N, 3, R, R) uint8 give the scale of Eq. 7 where it is not known
    from a checkpoint."""
    own = () if ranks.first else (ranks.rank,)  # each process draws from a pool of its own
    networks = build(config, device)
    vgg = VGG19([config.loss.perceptual_layer]).to(device) if config.loss.gamma else None
    if vgg is not None and l_per_scale is None:
        relative = config.loss.perceptual_scale == "relative"
        l_per_scale = activation_scale(vgg, photographs)[config.loss.perceptual_layer] if relative else 1.0
    if vgg is not None and config.precision == "bf16":
        vgg.features.bfloat16()  # once: of weights without gradients autocast keeps no copy, and converts at each pass
    return State(
        config=config,
        device=device,
        networks=networks,
        adam_g=_adam(list(networks.generators()), config.generator_lr, config),
        adam_d=_adam(list(networks.discriminators()), config.discriminator_lr, config),
        pool_a=ImagePool(config.pool_images, derived_seed(config.seed, "pool a", *own)),
        pool_b=ImagePool(config.pool_images, derived_seed(config.seed, "pool b", *own)),
        vgg=vgg,
        l_per_scale=l_per_scale,
        passes=passes(networks, vgg, config, device),
        ema=Ema(networks, config.ema_decay) if config.ema_decay else None,
        ranks=ranks,
    )


def _adam(parameters: list[nn.Parameter], lr: float, config: TrainConfig) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=lr, betas=(config.adam_beta1, 0.999), fused=True)


def train_step(state: State, batch: Batch, lr_factor: float) -> Losses:
    """Update the generators, then the discriminators, in place."""
    _set_lr(state, lr_factor)
    state.mark("fakes")
    found, fake_a, fake_b = _generator_step(state, batch)
    found["d_a"], found["d_b"] = _discriminator_step(state, batch, fake_a, fake_b)
    return {name: value.detach() for name, value in found.items()}


def _set_lr(state: State, factor: float) -> None:
    config = state.config
    for adam, lr in ((state.adam_g, config.generator_lr), (state.adam_d, config.discriminator_lr)):
        for group in adam.param_groups:
            group["lr"] = lr * config.lr_scale * factor


def _autocast(state: State) -> torch.autocast:
    return torch.autocast(state.device.type, torch.bfloat16, enabled=state.config.precision == "bf16")


def _generator_step(state: State, batch: Batch) -> tuple[Losses, Tensor, Tensor]:
    """One update of both generators by Eq. 8; returns its terms and the fakes."""
    networks, weights = state.networks, state.config.loss
    for network in (networks.d_a, networks.d_b):
        network.requires_grad_(False)
    with _autocast(state):
        fake_b = state.passes.g_ab(batch.x).float()
        fake_a = state.passes.g_ba(batch.y).float()
        found = _generator_losses(state, batch, fake_a, fake_b)
    found["total"] = (
        found["gan_ab"]
        + found["gan_ba"]
        + weights.alpha * (found["cycle_a"] + found["cycle_b"])
        + weights.beta * found["tv"]
        + weights.gamma * found["per"]
        + weights.identity * found["identity"]
    )
    state.mark("G: backward")
    state.adam_g.zero_grad()
    torch.autograd.backward(found["total"])
    state.mark("G: Adam")
    state.ranks.average_gradients(networks.generators())
    state.adam_g.step()
    if state.ema:
        state.ema.update(networks)
    return found, fake_a, fake_b


def _generator_losses(state: State, batch: Batch, fake_a: Tensor, fake_b: Tensor) -> Losses:
    """The unweighted terms of Eq. 8."""
    networks, weights = state.passes, state.config.loss
    state.mark("cycle")
    rebuilt_b = networks.g_ab(fake_a).float()
    state.mark("D on fakes")
    return {
        "gan_ab": losses.gan_generator(networks.d_b(fake_b).float(), weights.gan),
        "gan_ba": losses.gan_generator(networks.d_a(fake_a).float(), weights.gan),
        "cycle_a": _attentive_cycle(state, batch, fake_b),
        "cycle_b": losses.cycle(batch.y, rebuilt_b),
        "tv": losses.total_variation(fake_b, weights.tv_form),
        "per": _perceptual(state, batch.x, fake_b),
        "identity": _identity(state, batch) if weights.identity else batch.x.new_zeros(()),
    }


def _attentive_cycle(state: State, batch: Batch, fake_b: Tensor) -> Tensor:
    """Eq. 4 in the reading that the configuration chooses."""
    networks, weights = state.passes, state.config.loss
    lambdas = (weights.lambda_whole, weights.lambda_eyes, weights.lambda_nose, weights.lambda_mouth)
    state.mark("cycle")
    rebuilt = networks.g_ba(fake_b).float()
    state.mark("losses")
    if weights.regions_by == "crop_reconstruction":
        return losses.attentive_cycle(batch.x, rebuilt, batch.boxes, lambdas, weights.region_reduction)
    size_px = batch.x.shape[-1]
    crops = losses.region_crops(batch.x, batch.boxes, size_px)
    again = networks.g_ba(networks.g_ab(crops)).float()
    regions = losses.fed_crops_cycle(
        crops, again, batch.boxes, lambdas, reduction=weights.region_reduction, picture_px=size_px
    )
    return lambdas[0] * losses.cycle(batch.x, rebuilt) + regions


def _perceptual(state: State, x: Tensor, fake_b: Tensor) -> Tensor:
    vgg = state.passes.vgg
    if vgg is None or state.l_per_scale is None:
        return x.new_zeros(())
    state.mark("VGG19")
    layer = state.config.loss.perceptual_layer
    with torch.no_grad():
        real = vgg(x)[layer]
    found = losses.perceptual(vgg(fake_b)[layer], real, state.l_per_scale)
    state.mark("losses")
    return found


def _identity(state: State, batch: Batch) -> Tensor:
    """CycleGAN's |G_AB(y) - y| + |G_BA(x) - x|."""
    networks = state.passes
    return losses.cycle(batch.y, networks.g_ab(batch.y).float()) + losses.cycle(batch.x, networks.g_ba(batch.x).float())


def _discriminator_step(state: State, batch: Batch, fake_a: Tensor, fake_b: Tensor) -> tuple[Tensor, Tensor]:
    """One update of both discriminators by Eq. 2."""
    networks, form = state.networks, state.config.loss.gan
    found = []
    state.mark("D: forward")
    for network, scores, real, fake in (
        (networks.d_a, state.passes.d_a, batch.x, state.pool_a.swap(fake_a)),
        (networks.d_b, state.passes.d_b, batch.y, state.pool_b.swap(fake_b)),
    ):
        network.requires_grad_(True)
        with _autocast(state):
            real_scores, fake_scores = scores(torch.cat([real, fake])).float().chunk(2)
        found.append(losses.gan_discriminator(real_scores, fake_scores, form))
    state.mark("D: backward")
    state.adam_d.zero_grad()
    torch.autograd.backward(found[0] + found[1])
    state.mark("D: Adam")
    state.ranks.average_gradients(networks.discriminators())
    state.adam_d.step()
    return found[0], found[1]
