"""Windows of tokens, in an order that a position fixes: a resumed run sees what an uncut one would."""
from packages import np, torch

from inputs import BadInput, reading


class Windows:
    """Windows of length + 1 tokens of a token file in a shuffled order that `position` (batches so far) fixes."""

    def __init__(self, path, length, seed=0):
        with reading(path, "a token file of prepare.py", ValueError):
            self.tokens = np.memmap(path, np.uint16, "r")
        self.length, self.seed = length, seed
        self.count, self.epoch, self.order = (len(self.tokens) - 1) // length, -1, None
        if self.count < 1:
            raise BadInput(f"{path} holds {len(self.tokens)} tokens, fewer than one window of {length}; name more text")

    def batch(self, position, size, device):
        """[size, length + 1] int64. A batch may span two epochs."""
        rows = []
        for index in range(position * size, (position + 1) * size):
            if index // self.count != self.epoch:
                self.epoch = index // self.count
                self.order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
            start = int(self.order[index % self.count]) * self.length
            rows.append(self.tokens[start:start + self.length + 1])
        ids = torch.from_numpy(np.stack(rows).astype(np.int64))
        return ids.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else ids
