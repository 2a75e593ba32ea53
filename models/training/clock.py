"""The plan by the clock: how long a command and all commands together have trained, and the rate that follows. Standard library only.

Imported before PyTorch, whose import takes seconds that count as the command's.
"""
import time

from inputs import BadInput

BEGAN = time.time()                            # of this command
DECAY = 0.4                                    # of the plan


def rate(progress, step, warmup):
    """Share of the peak rates: warm-up, stable, then linear decay to nothing over the plan's last 40 %. progress: 0 to 1 of the plan."""
    return min(1, (step + 1) / warmup, max(0, 1 - progress) / DECAY)


class Clock:
    """How far the plan is: by steps, by minutes of training, or by the clock."""

    def __init__(self, options, earlier):
        """earlier: minutes that the commands before have trained."""
        if not options.steps and not options.plan_minutes and not options.until:
            raise BadInput("it is not said how long the plan is; give --steps, --plan-minutes or --until")
        self.options, self.earlier = options, earlier

    def minutes(self):
        """Of all commands together."""
        return self.earlier + (time.time() - BEGAN) / 60

    def progress(self, step):
        """0 to 1. By the clock: the share that is spent of all the minutes there will be, so that a pause shortens what is left."""
        if self.options.steps:
            return step / self.options.steps
        spent = self.minutes()
        plan = self.options.plan_minutes or spent + max(0, self.options.until - time.time()) / 60
        return min(1, spent / plan)

    def over(self):
        """Whether this command's minutes are."""
        return (time.time() - BEGAN) / 60 >= self.options.minutes
