"""What training the target and distilling the draft share: windows of tokens, the schedule, checkpoints, the loop."""
import time
BEGAN = time.time()                            # of this command, before the seconds that the imports below take

import dataclasses                                                                      # noqa: E402
import json                                                                             # noqa: E402
import os                                                                               # noqa: E402
import signal                                                                           # noqa: E402

import numpy as np                                                                      # noqa: E402
import torch                                                                            # noqa: E402

from health import Health                                                               # noqa: E402
from model import Model, SHAPES, Shape                                                  # noqa: E402
from optimiser import Optimiser                                                         # noqa: E402


class Windows:
    """Windows of length + 1 tokens of a token file in a shuffled order that `position` (batches so far) fixes."""

    def __init__(self, path, length, seed=0):
        self.tokens, self.length, self.seed = np.memmap(path, np.uint16, "r"), length, seed
        self.count, self.epoch, self.order = (len(self.tokens) - 1) // length, -1, None
        if self.count < 1:
            raise SystemExit(f"{path} holds {len(self.tokens)} tokens: fewer than one window of {length}")

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


def rate(progress, step, warmup):
    """Warm-up, stable, then linear decay over the last 40 %. progress: 0 to 1 of the plan."""
    return min(1, (step + 1) / warmup, max(0, 1 - progress) / 0.4)


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


def device_here():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def save(path, **state):
    """A checkpoint, whole or not at all, also where the process is killed while it writes. Not synchronised: what a
    machine that stops has written is lost either way."""
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def load_model(path, device, dtype=torch.float32):
    """A trained model from its checkpoint, for reading only."""
    state = torch.load(path, map_location=device)
    model = Model(Shape(**state["shape"]), dtype).to(device)
    model.load_state_dict(state["model"])
    return model.requires_grad_(False)


def add_arguments(parser, shape):
    parser.add_argument("name", help="NAME.pt is the checkpoint, resumed where it is there; NAME.log.jsonl the curve")
    parser.add_argument("--shape", choices=SHAPES, default=shape)
    parser.add_argument("--data", required=True, help="folder of prepare.py")
    parser.add_argument("--steps", type=int, help="plan in steps: a cut and resumed run then equals an uncut one")
    for name, kind, default, text in (
            ("minutes", float, 9, "of this command, its start included; then it saves and ends"),
            ("plan-minutes", float, None, "of all commands together"),
            ("until", float, None, "plan by the clock: seconds since 1970 at which the rate has decayed to nothing, pauses included"),
            ("stop-after", int, None, "end this command after this step"), ("batch", int, 32, "windows in one pass"),
            ("accumulate", int, 8, "passes in one step"), ("muon-rate", float, 0.02, ""), ("adam-rate", float, 3e-3, ""),
            ("warmup", int, 100, "steps"), ("save-minutes", float, 2, ""), ("seed", int, 0, ""), ("report", int, 50, "steps between two lines of the curve"),
            ("threads", int, 1, "on a CPU; more are slower where others want the cores")):
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)
    parser.add_argument("--compile", choices=("auto", "yes", "no"), default="auto", help="auto: on a GPU")


def cut_signals():
    """A list that is empty until SIGINT or SIGTERM asks this command to save and end."""
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    return asked


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


class Clock:
    """How far the plan is: by steps, by minutes of training, or by the clock."""

    def __init__(self, options, earlier):
        if not options.steps and not options.plan_minutes and not options.until:
            raise SystemExit("say how long the plan is: --steps, --plan-minutes or --until")
        self.options, self.earlier = options, earlier

    def minutes(self):
        return self.earlier + (time.time() - BEGAN) / 60

    def progress(self, step):
        """0 to 1. By the clock: the share that is spent of all the minutes there will be, so that a pause shortens what is left."""
        if self.options.steps:
            return step / self.options.steps
        spent = self.minutes()
        plan = self.options.plan_minutes or spent + max(0, self.options.until - time.time()) / 60
        return min(1, spent / plan)

    def over(self):
        return (time.time() - BEGAN) / 60 >= self.options.minutes


def run(options, objective, compiling):
    """Trains until the plan or this command's minutes are over, or it is asked to end. objective(model, ids, progress) -> nats per token."""
    asked, device = cut_signals(), device_here()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shape, path = SHAPES[options.shape], options.name + ".pt"
    with open(os.path.join(options.data, "meta.json"), encoding="utf8") as file:
        vocabulary = json.load(file)["vocabulary"]
    if vocabulary != shape.vocabulary:
        raise SystemExit(f"{options.data} has a vocabulary of {vocabulary}, the shape {options.shape} one of {shape.vocabulary}")
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    model = compiling.model(Model(shape, torch.bfloat16 if device.type == "cuda" else torch.float32).to(device))
    optimiser = Optimiser(model, options.muon_rate, options.adam_rate)
    # calm: a share of the rates, halved when training diverged; moved: steps by which the data went on when it was set back.
    step, earlier, calm, moved = 0, 0.0, 1.0, 0

    def resume():
        """Sets model and optimiser to the checkpoint, or to a beginning where there is none; returns what it says besides."""
        if not os.path.exists(path):
            model.load_state_dict(Model(shape).state_dict())
            optimiser.forget()
            return {"step": 0}
        state = torch.load(path, map_location=device)
        if state["shape"] != dataclasses.asdict(shape):
            raise SystemExit(f"{path} is of another shape: {state['shape']}")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return {key: value for key, value in state.items() if key not in ("model", "optimiser")}

    if os.path.exists(path):
        state = resume()
        step, earlier, calm, moved = state["step"], state["minutes"], state.get("calm", 1.0), state.get("moved", 0)
    train, heldout = (Windows(os.path.join(options.data, name + ".bin"), shape.context, options.seed) for name in ("train", "heldout"))
    passes, clock, health = Passes(model, objective, train, options, compiling, device), Clock(options, earlier), Health()
    tokens, saved, told = options.batch * options.accumulate * shape.context, time.time(), (step, time.time())
    print(f"{shape.parameters() / 1e6:.1f}M parameters, {tokens} tokens a step, {len(train.tokens) / 1e6:.1f}M tokens, from step {step}", flush=True)
    store = lambda: save(path, model=model.state_dict(), optimiser=optimiser.state_dict(), shape=dataclasses.asdict(shape), step=step,
                         minutes=clock.minutes(), calm=calm, moved=moved)

    def report(loss):
        # With gradients, though none is wanted: the graphs compiled for training serve here as they are.
        count = 2 * options.batch // passes.batch
        held = sum(objective(model, heldout.batch(i, passes.batch, device), 1.0).item() for i in range(count)) / count
        speed = (step - told[0]) * tokens / max(1e-9, time.time() - told[1])
        entry = dict(step=step, tokens=step * tokens, minutes=round(clock.minutes(), 3), loss=loss, heldout=held, tokens_per_second=round(speed))
        with open(options.name + ".log.jsonl", "a", encoding="utf8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    while True:
        progress = clock.progress(step)
        if asked or progress >= 1 or (options.stop_after and step >= options.stop_after) or clock.over():
            break
        total = passes.run(step + moved, progress)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        loss, norm = torch.stack((total, norm)).tolist()     # the step's one wait for the device
        advice = health.judge(loss, norm)
        if advice == "back":
            state = resume()
            calm, moved, step = calm / 2, moved + step + 1 - state["step"], state["step"]
            print(f"diverged (loss {loss}, gradient {norm}): back to step {step}, with {calm} of the rates and other text", flush=True)
            health = Health(health.returns + 1)
            continue
        if advice == "skip":
            print(f"step {step}: left out, its loss is {loss}, its gradient {norm}", flush=True)
            optimiser.skip()
        else:
            optimiser.step(calm * rate(progress, step, options.warmup))
        step += 1
        if step == 1 or step % options.report == 0:
            report(loss)
            told = (step, time.time())
        if time.time() - saved > 60 * options.save_minutes and health.well():
            store()
            saved = time.time()
    store()
    print(f"saved {path} at step {step}, {clock.minutes():.1f} minutes: the plan is {'over' if progress >= 1 else 'not over yet'}", flush=True)
    return model
