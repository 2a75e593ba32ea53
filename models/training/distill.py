"""Distils the draft from the target's distribution, on the corpus and on text that the target wrote (sample.py).

Usage: python3 distill.py NAME --target TARGET.pt --shape draft-10m --data DIR --plan-minutes 5 --minutes 5

The loss is KL(target || draft) at temperature 1, and over the second half of the plan more and more the total variation
distance at temperatures 0.2 and 0.8: one less that distance is the share of drafted tokens the target accepts (Leviathan et al. 2023).
A draft that begins anew takes its embeddings, tied to its output, from the target's along their leading directions.
"""
import argparse

import loop                                    # before PyTorch: the clock

from packages import torch
import torch.nn.functional as F

from compiling import Compiling
from inputs import BadInput, run


def divergence(p, q, blend):
    """(1 - blend) KL(p || q) + blend TV at 0.2 and 0.8, per token. p, q: logits [N, V] of target and draft; blend: a tensor, 0 to 1."""
    p, q = p.float(), q.float()
    kl = F.kl_div(F.log_softmax(q, -1), F.log_softmax(p, -1), log_target=True, reduction="none").sum(-1)
    tv = sum(((p / t).softmax(-1) - (q / t).softmax(-1)).abs().sum(-1) / 2 for t in (0.2, 0.8)) / 2
    return ((1 - blend) * kl + blend * tv).mean()


def leading(embeddings, dim):
    """Rows [V, D] along their `dim` leading directions, [V, dim]: the projection that keeps most of their products with each other."""
    rows = embeddings.float()
    return rows @ torch.linalg.eigh((rows.T @ rows).cpu()).eigenvectors[:, -dim:].to(rows.device)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_arguments(parser, "draft-10m")
    parser.add_argument("--target", required=True)
    options = parser.parse_args()
    device, compiling = loop.device_here(), Compiling(options.compile)
    target = compiling.model(loop.load_model(options.target, device, loop.arithmetic(device)))
    measure, tokens = compiling.function(divergence), loop.SHAPES[options.shape].vocabulary
    if target.shape.vocabulary != tokens:
        raise BadInput(f"{options.target} has {target.shape.vocabulary} tokens, the shape {options.shape} {tokens}; name two that belong together")

    def objective(model, ids, progress):
        with torch.no_grad():
            wanted = target(ids[:, :-1]).flatten(0, 1)
        blend = torch.tensor(0.5 * max(0, 2 * progress - 1), device=device)
        return measure(wanted, model(ids[:, :-1]).flatten(0, 1), blend)

    @torch.no_grad()
    def begin(model):
        if model.shape.dim < target.shape.dim:
            model.token_embd.copy_(leading(target.token_embd, model.shape.dim))

    loop.run(options, objective, compiling, begin)


if __name__ == "__main__":
    run(main)
