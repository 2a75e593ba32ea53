"""What training the target and distilling the draft share: windows of tokens, the schedule, checkpoints, the loop."""
import dataclasses
import json
import os
import signal
import time

import numpy as np
import torch

from model import Model, SHAPES, Shape
from optimiser import Optimiser


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


def save(path, **state):
    """A checkpoint, whole or not at all."""
    torch.save(state, path + ".part")
    with open(path + ".part", "rb+") as file:
        os.fsync(file.fileno())
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
            ("minutes", float, 9, "of this command; then it saves and ends"), ("plan-minutes", float, None, "of all commands together"),
            ("stop-after", int, None, "end this command after this step"), ("batch", int, 32, "windows in one pass"),
            ("accumulate", int, 8, "passes in one step"), ("muon-rate", float, 0.02, ""), ("adam-rate", float, 3e-3, ""),
            ("warmup", int, 100, "steps"), ("save-minutes", float, 2, ""), ("seed", int, 0, ""), ("report", int, 50, "steps between two lines of the curve"),
            ("threads", int, 1, "on a CPU; more are slower where others want the cores")):
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)
    parser.add_argument("--no-compile", action="store_true")


def cut_signals():
    """A list that is empty until SIGINT or SIGTERM asks this command to save and end."""
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    return asked


def run(options, objective):
    """Trains until the plan or this command's minutes are over, or it is asked to end. objective(model, ids, progress) -> nats per token."""
    if not options.steps and not options.plan_minutes:
        raise SystemExit("say how long the plan is: --plan-minutes or --steps")
    asked, began, device = cut_signals(), time.time(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shape, path = SHAPES[options.shape], options.name + ".pt"
    with open(os.path.join(options.data, "meta.json"), encoding="utf8") as file:
        vocabulary = json.load(file)["vocabulary"]
    if vocabulary != shape.vocabulary:
        raise SystemExit(f"{options.data} has a vocabulary of {vocabulary}, the shape {options.shape} one of {shape.vocabulary}")
    model = Model(shape, torch.bfloat16 if device.type == "cuda" else torch.float32).to(device)
    optimiser, step, earlier = Optimiser(model, options.muon_rate, options.adam_rate), 0, 0.0
    if os.path.exists(path):
        state = torch.load(path, map_location=device)
        if state["shape"] != dataclasses.asdict(shape):
            raise SystemExit(f"{path} is of another shape: {state['shape']}")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, earlier = state["step"], state["minutes"]
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        if not options.no_compile:                       # one graph for every layer: seconds, where the whole model takes a minute
            torch._dynamo.config.suppress_errors = True
            for block in model.blk:
                block.compile()
    train, heldout = (Windows(os.path.join(options.data, name + ".bin"), shape.context, options.seed) for name in ("train", "heldout"))
    tokens, saved = options.batch * options.accumulate * shape.context, time.time()
    print(f"{shape.parameters() / 1e6:.1f}M parameters, {tokens} tokens a step, {len(train.tokens) / 1e6:.1f}M tokens, from step {step}", flush=True)

    minutes = lambda: earlier + (time.time() - began) / 60
    store = lambda: save(path, model=model.state_dict(), optimiser=optimiser.state_dict(), shape=dataclasses.asdict(shape), step=step, minutes=minutes())

    def report(loss):
        with torch.no_grad():
            held = sum(objective(model, heldout.batch(i, min(options.batch, heldout.count), device), 1.0).item() for i in range(2)) / 2
        entry = dict(step=step, tokens=step * tokens, minutes=round(minutes(), 3), loss=loss, heldout=held)
        with open(options.name + ".log.jsonl", "a", encoding="utf8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)

    while True:
        progress = step / options.steps if options.steps else minutes() / options.plan_minutes
        if asked or progress >= 1 or (options.stop_after and step >= options.stop_after) or (time.time() - began) / 60 >= options.minutes:
            break
        total = 0.0
        for part in range(options.accumulate):
            loss = objective(model, train.batch(step * options.accumulate + part, options.batch, device), progress) / options.accumulate
            loss.backward()
            total = total + loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step(rate(progress, step, options.warmup))
        step += 1
        if step == 1 or step % options.report == 0:
            report(total.item())
        if time.time() - saved > 60 * options.save_minutes:
            store()
            saved = time.time()
    store()
    print(f"saved {path} at step {step}, {minutes():.1f} minutes: the plan is {'over' if progress >= 1 else 'not over yet'}", flush=True)
    return model
