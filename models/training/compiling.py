"""torch.compile for the training loop: what is compiled, and how to go on where it fails."""
from packages import torch


class Compiling:
    """What torch.compile makes faster on a GPU, and how to go on without it where it fails there."""

    def __init__(self, wanted):
        """wanted: "auto" (on a GPU), "yes" or "no"."""
        self.on, self.blocks = hasattr(torch, "compile") and (wanted == "yes" or wanted == "auto" and torch.cuda.is_available()), []
        if self.on:
            from torch import _dynamo
            _dynamo.config.suppress_errors = True
            limit = "recompile_limit" if hasattr(_dynamo.config, "recompile_limit") else "cache_size_limit"
            setattr(_dynamo.config, limit, 64)     # before 2.5 every block counts as a graph of its own

    def model(self, model):
        """One graph for every layer: seconds, where the whole model takes a minute."""
        if self.on and hasattr(model, "compile"):
            self.blocks += model.blk
            for block in model.blk:
                block.compile(dynamic=False)
        return model

    def function(self, plain):
        """plain, of tensors alone: a number that changes would be compiled in anew each time."""
        if not self.on:
            return plain
        quick = torch.compile(plain, dynamic=False)
        return lambda *given: (quick if self.on else plain)(*given)

    def off(self):
        self.on = False
        for block in self.blocks:
            block._compiled_call_impl = None
