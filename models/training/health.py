"""Whether training goes well, by each step's loss and gradient. Standard library only."""
import math


class Health:
    """The loss is followed by a running mean over some 20 steps; 0.5 nats above the mean's lowest is no noise but divergence."""
    MOST, RISE, RETURNS = 3, 0.5, 5

    def __init__(self, returns=0):
        """returns: how often training was set back before."""
        self.mean, self.least, self.bad, self.returns = None, math.inf, 0, returns

    def judge(self, loss, norm):
        """"go on", "skip" the step (not finite: the weights would be lost), or go "back" to the last checkpoint. Raises SystemExit
        where going back has not helped RETURNS times."""
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.bad += 1
            return self.back() if self.bad >= self.MOST else "skip"
        self.bad = 0
        self.mean = loss if self.mean is None else 0.95 * self.mean + 0.05 * loss
        self.least = min(self.least, self.mean)
        return self.back() if self.mean > self.least + self.RISE else "go on"

    def back(self):
        if self.returns >= self.RETURNS:
            raise SystemExit(f"training diverges however small the rates: set back {self.returns} times")
        return "back"

    def well(self):
        """Whether a checkpoint made now is one to go back to."""
        return self.bad == 0 and self.mean is not None and self.mean < self.least + self.RISE / 4
