from collections.abc import Callable

import pytest
import torch

from scgan_model import losses, step
from scgan_model.config import TrainConfig
from scgan_model.data import Batch

CPU = torch.device("cpu")
Make = Callable[..., TrainConfig]


def batch(size_px: int = 16) -> Batch:
    generator = torch.Generator().manual_seed(5)
    x, y = (torch.rand(2, 3, size_px, size_px, generator=generator) * 2 - 1 for _ in range(2))
    boxes = torch.tensor([[2, 3, 14, 6], [6, 6, 10, 10], [0, 0, 0, 0]], dtype=torch.float32).expand(2, 3, 4)
    return Batch(x, boxes, y)


def photographs() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 16, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_the_total_is_equation_8(tiny_config: Make) -> None:
    config = tiny_config(precision="fp32", loss={"identity": 0.7})
    state = step.start(config, CPU, photographs())
    b, n = batch(), state.networks
    with torch.no_grad():
        fake_b, fake_a = n.g_ab(b.x), n.g_ba(b.y)
        lambdas = (1, 0.5, 0.5, 0.5)
        by_hand = losses.gan_generator(n.d_b(fake_b), "lsgan") + losses.gan_generator(n.d_a(fake_a), "lsgan")
        by_hand += 10 * losses.attentive_cycle(b.x, n.g_ba(fake_b), b.boxes, lambdas, "mean")
        by_hand += 10 * losses.cycle(b.y, n.g_ab(fake_a)) + 4 * losses.total_variation(fake_b, "anisotropic")
        assert state.vgg is not None and state.l_per_scale is not None
        activations = [state.vgg(p)["conv4_4"] for p in (fake_b, b.x)]
        by_hand += 0.5 * (activations[0] - activations[1]).abs().mean() / state.l_per_scale
        by_hand += 0.7 * (losses.cycle(b.y, n.g_ab(b.y)) + losses.cycle(b.x, n.g_ba(b.x)))
        d_b = losses.gan_discriminator(n.d_b(b.y), n.d_b(fake_b), "lsgan")
    found = step.train_step(state, b, 1.0)
    assert found["total"].item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert found["d_b"].item() == pytest.approx(d_b.item(), rel=1e-4)  # D saw the fakes made before G's update


def test_each_half_trains_its_own_networks_only(tiny_config: Make) -> None:
    state = step.start(tiny_config(), CPU, photographs())
    before = {n: {k: v.clone() for k, v in m.state_dict().items()} for n, m in state.networks.named().items()}
    _, fake_a, fake_b = step._generator_step(state, batch())
    changed = {n for n, m in state.networks.named().items() if _differs(before[n], m)}
    assert changed == {"g_ab", "g_ba"}
    assert all(p.grad is None for p in state.networks.discriminators())
    gradients = [p.grad.clone() for p in state.networks.generators() if p.grad is not None]
    step._discriminator_step(state, batch(), fake_a, fake_b)
    assert _differs(before["d_a"], state.networks.d_a) and _differs(before["d_b"], state.networks.d_b)
    after = [p.grad for p in state.networks.generators() if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(gradients, after, strict=True))


def _differs(before: dict[str, torch.Tensor], network: torch.nn.Module) -> bool:
    return any(not torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_the_learning_rate_is_the_base_times_the_factor(tiny_config: Make) -> None:
    state = step.start(tiny_config(generator_lr=1e-3, discriminator_lr=2e-3), CPU, photographs())
    step.train_step(state, batch(), 0.25)
    assert [g["lr"] for g in state.adam_g.param_groups] == [2.5e-4]
    assert [g["lr"] for g in state.adam_d.param_groups] == [5e-4]


@pytest.mark.parametrize(
    "loss",
    [
        {"gan": "vanilla"},
        {"regions_by": "feed_crops"},
        {"regions_by": "feed_crops", "region_reduction": "sum"},
        {"region_reduction": "sum"},
        {"tv_form": "isotropic"},
        {"tv_form": "squared"},
        {"identity": 1.0},
        {"alpha": 5.0},
        {"lambda_eyes": 0.0},
    ],
)
def test_every_switch_changes_the_step_and_stays_finite(tiny_config: Make, loss: dict[str, object]) -> None:
    totals = []
    for chosen in ({}, loss):
        state = step.start(tiny_config(precision="fp32", loss={"gamma": 0} | chosen), CPU, photographs())
        found = step.train_step(state, batch(), 1.0)
        assert all(value.isfinite() for value in found.values())
        totals.append(found["total"].item())
    assert totals[0] != totals[1]


def test_the_scale_of_the_perceptual_loss(tiny_config: Make) -> None:
    relative = step.start(tiny_config(loss={}), CPU, photographs())
    raw = step.start(tiny_config(loss={"perceptual_scale": "raw"}), CPU, photographs())
    known = step.start(tiny_config(loss={}), CPU, photographs(), l_per_scale=123.0)
    off = step.start(tiny_config(), CPU, photographs())
    assert relative.l_per_scale is not None and relative.l_per_scale > 50
    assert (raw.l_per_scale, known.l_per_scale, off.l_per_scale) == (1.0, 123.0, None)
    assert off.vgg is None
    per = [step.train_step(state, batch(), 1.0)["per"].item() for state in (relative, raw)]
    assert per[1] == pytest.approx(per[0] * relative.l_per_scale, rel=0.02)


def test_the_rate_follows_the_batch_where_the_rule_says_so(tiny_config: Make) -> None:
    state = step.start(tiny_config(generator_lr=1e-3, lr_rule="sqrt", batch_pairs=4), CPU, photographs())
    step.train_step(state, batch(), 0.5)
    assert [g["lr"] for g in state.adam_g.param_groups] == [1e-3]


def test_channels_last_is_the_same_step(tiny_config: Make) -> None:
    found = []
    for name, layout in (("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)):
        state, b = step.start(tiny_config(precision="fp32", memory_format=name), CPU, photographs()), batch()
        moved = Batch(b.x.to(memory_format=layout), b.boxes, b.y.to(memory_format=layout))
        found.append([step.train_step(state, moved, 1.0) for _ in range(3)][-1])
    assert all(found[1][key].item() == pytest.approx(value.item(), rel=1e-3) for key, value in found[0].items())


def test_bf16_is_reproducible_to_the_bit(tiny_config: Make) -> None:
    ends = []
    for _ in range(2):
        state = step.start(tiny_config(precision="bf16"), CPU, photographs())
        for _ in range(3):
            step.train_step(state, batch(), 1.0)
        ends.append(torch.cat([p.detach().flatten() for p in state.networks.generators()]))
    assert torch.equal(ends[0], ends[1])


def test_steps_on_one_batch_lower_the_cycle(tiny_config: Make) -> None:
    state = step.start(tiny_config(generator_lr=2e-3), CPU, photographs())
    cycles = [step.train_step(state, batch(), 1.0)["cycle_a"].item() for _ in range(40)]
    assert sum(cycles[-5:]) < 0.8 * sum(cycles[:5])


def test_vgg19_held_in_bf16_is_what_autocast_makes_of_it(tiny_config: Make) -> None:
    found = []
    for precision in ("bf16", "fp32"):  # the second as it was before: fp32 weights under autocast
        state = step.start(tiny_config(precision=precision, loss={}), CPU, photographs())
        assert state.vgg is not None
        assert next(state.vgg.parameters()).dtype is (torch.bfloat16 if precision == "bf16" else torch.float32)
        with torch.autocast("cpu", torch.bfloat16):
            found.append(state.vgg(batch().x)["conv4_4"])
    assert torch.equal(found[0], found[1])
