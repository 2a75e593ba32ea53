"""The passes of a training step, as large and as quick as the device lets them be."""
from packages import torch


class Passes:
    """The forward and backward passes of a step, in smaller batches where memory runs out and uncompiled where compiling fails."""

    def __init__(self, model, objective, windows, options, compiling, device):
        self.model, self.objective, self.windows, self.compiling, self.device = model, objective, windows, compiling, device
        self.batch, self.accumulate = options.batch, options.accumulate

    def run(self, step, progress):
        """The step's mean loss, a tensor; the gradients are in the model. The windows of a step are the same however they are cut."""
        while True:
            try:
                return self.attempt(step, progress)
            except Exception as error:                   # handled below, where the traceback no longer holds the tensors
                lacking, words = isinstance(error, torch.cuda.OutOfMemoryError), f"{type(error).__name__}: {error}"[:400]
                if not (lacking and self.batch % 2 == 0) and not (not lacking and self.compiling.on):
                    raise
            for parameter in self.model.parameters():
                parameter.grad = None
            if lacking:
                torch.cuda.empty_cache()
                self.batch, self.accumulate = self.batch // 2, self.accumulate * 2
                print(f"out of memory: goes on with {self.accumulate} passes of {self.batch} windows", flush=True)
            else:
                self.compiling.off()
                print(f"goes on uncompiled: {words}", flush=True)

    def attempt(self, step, progress):
        total = 0.0
        for part in range(self.accumulate):
            ids = self.windows.batch(step * self.accumulate + part, self.batch, self.device)
            loss = self.objective(self.model, ids, progress) / self.accumulate
            loss.backward()
            total = total + loss.detach()
        return total
