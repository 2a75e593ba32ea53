"""Muon for matrices inside the layers, AdamW for the rest (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/)."""
from packages import torch


def orthogonalised(g, steps=5):
    """The nearest half-orthogonal matrix of each, roughly, by a Newton-Schulz iteration. g: [N, rows, columns]."""
    x = g.bfloat16() if g.is_cuda else g.float()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.transpose(1, 2) if tall else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr=0.02, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(parameter.shape, []).append(parameter)
            for (rows, columns), alike in shapes.items():          # matrices of one shape go through it together: launches cost time
                grads = [parameter.grad for parameter in alike]
                averages = [self.state[parameter].setdefault("momentum", torch.zeros_like(parameter)) for parameter in alike]
                torch._foreach_mul_(averages, group["momentum"])
                torch._foreach_add_(averages, grads, alpha=1 - group["momentum"])
                updates = orthogonalised(torch.stack(grads).lerp_(torch.stack(averages), group["momentum"]))
                torch._foreach_mul_(alike, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(alike, list(updates.unbind()), alpha=-group["lr"] * max(1, rows / columns) ** 0.5)


class Optimiser:
    """Both optimisers as one; `rate` is a share, 0 to 1, of their peak rates."""

    def __init__(self, model, muon_rate, adam_rate):
        inside = [p for name, p in model.named_parameters() if name.startswith("blk.") and p.dim() == 2]
        rest = [p for name, p in model.named_parameters() if not (name.startswith("blk.") and p.dim() == 2)]
        extra = {"fused": True} if rest[0].is_cuda else {}
        self.both = [Muon(inside, muon_rate), torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0, **extra)]
        self.peaks = [muon_rate, adam_rate]

    def step(self, rate):
        for optimiser, peak in zip(self.both, self.peaks):
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
            optimiser.step()
        self.skip()

    def skip(self):
        """Leaves a step's gradients out."""
        for optimiser in self.both:
            optimiser.zero_grad(set_to_none=True)

    def forget(self):
        """As if no step had been made."""
        for optimiser in self.both:
            optimiser.state.clear()

    def state_dict(self):
        return [optimiser.state_dict() for optimiser in self.both]

    def load_state_dict(self, states):
        for optimiser, state in zip(self.both, states):
            optimiser.load_state_dict(state)
