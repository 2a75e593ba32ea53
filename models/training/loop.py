"""What training the target and distilling the draft share: their arguments, checkpoints, the loop."""
import dataclasses
import json
import os
import signal
import time

from clock import Clock, rate                  # before PyTorch

from packages import torch

import checkpoint
from compiling import Compiling
from health import Health
from inputs import BadInput, check_writable, document, writing
from model import Model, SHAPES, Shape
from optimiser import Optimiser
from passes import Passes
from windows import Windows


def device_here():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def arithmetic(device):
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def save(path, **state):
    """A checkpoint, whole or not at all, also where the process is killed while it writes. Not synchronised: what a
    machine that stops has written is lost either way."""
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def load_model(path, device, dtype=torch.float32):
    """A trained model from its checkpoint, for reading only."""
    state = checkpoint.load(path, device)
    model = Model(Shape(**state["shape"]), dtype).to(device)
    checkpoint.fill(model, state["model"], path)
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
            ("stop-after", int, None, "end this command after this step"),
            ("batch", int, 32, "windows in one pass"),
            ("accumulate", int, 8, "passes in one step"),
            ("muon-rate", float, 0.02, ""),
            ("adam-rate", float, 3e-3, ""),
            ("warmup", int, 100, "steps"),
            ("save-minutes", float, 2, ""),
            ("seed", int, 0, ""),
            ("report", int, 50, "steps between two lines of the curve"),
            ("threads", int, 1, "on a CPU; more are slower where others want the cores")):
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)
    parser.add_argument("--compile", choices=("auto", "yes", "no"), default="auto", help="auto: on a GPU")


def cut_signals():
    """A list that is empty until SIGINT or SIGTERM asks this command to save and end."""
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    return asked


def checked_shape(options):
    """The shape asked for. Raises BadInput where the data is of another vocabulary."""
    shape = SHAPES[options.shape]
    vocabulary = document(os.path.join(options.data, "meta.json"), "the meta.json of prepare.py", {"vocabulary": int})["vocabulary"]
    if vocabulary != shape.vocabulary:
        raise BadInput(f"{options.data} has a vocabulary of {vocabulary}, the shape {options.shape} one of {shape.vocabulary}; name two that "
                       "belong together")
    return shape


class Run:
    """One command's share of a training run.

    step: steps made; moved: steps by which the data went on when it was set back; calm: a share of the rates, halved when training diverged.
    """

    def __init__(self, options, objective, compiling, begin):
        """objective(model, ids, progress) -> nats per token; begin(model) changes a new model's weights."""
        self.asked, self.device, self.options, self.objective, self.begin = cut_signals(), device_here(), options, objective, begin
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.shape, self.path, self.log = checked_shape(options), options.name + ".pt", options.name + ".log.jsonl"
        for path in (self.path, self.log):
            check_writable(path)
        self.train, self.heldout = (Windows(os.path.join(options.data, name + ".bin"), self.shape.context, options.seed)
                                    for name in ("train", "heldout"))
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        self.model = compiling.model(Model(self.shape, arithmetic(self.device)).to(self.device))
        self.optimiser = Optimiser(self.model, options.muon_rate, options.adam_rate)
        self.step, self.moved, self.calm, earlier = 0, 0, 1.0, 0.0
        if os.path.exists(self.path):
            state = self.resume()
            self.step, self.moved, self.calm, earlier = state["step"], state["moved"], state["calm"], state["minutes"]
        else:
            begin(self.model)
        self.passes, self.health = Passes(self.model, objective, self.train, options, compiling, self.device), Health()
        self.clock, self.tokens = Clock(options, earlier), options.batch * options.accumulate * self.shape.context
        self.saved, self.told = time.time(), (self.step, time.time())
        print(f"{self.shape.parameters() / 1e6:.1f}M parameters, {self.tokens} tokens a step, {len(self.train.tokens) / 1e6:.1f}M tokens, "
              f"from step {self.step}", flush=True)

    def resume(self):
        """Sets model and optimiser to the checkpoint, or to a beginning where there is none; returns what it says besides."""
        if not os.path.exists(self.path):
            self.model.load_state_dict(Model(self.shape).state_dict())
            self.begin(self.model)
            self.optimiser.forget()
            return {"step": 0}
        state = checkpoint.load(self.path, self.device, checkpoint.PROGRESS)
        if state["shape"] != dataclasses.asdict(self.shape):
            raise BadInput(f"{self.path} is of another shape: {state['shape']}; name another checkpoint, or give its --shape")
        checkpoint.fill(self.model, state.pop("model"), self.path)
        if "optimiser" in state:
            self.optimiser.load_state_dict(state.pop("optimiser"))
        else:                                  # of from_gguf.py: weights to go on from
            self.optimiser.forget()
        return state

    def store(self):
        save(self.path, model=self.model.state_dict(), optimiser=self.optimiser.state_dict(), shape=dataclasses.asdict(self.shape), step=self.step,
             minutes=self.clock.minutes(), calm=self.calm, moved=self.moved)
        self.saved = time.time()

    def report(self, loss):
        """A line of the curve. loss: of the step just made."""
        # With gradients, though none is wanted: the graphs compiled for training serve here as they are.
        batch = self.passes.batch
        count = 2 * self.options.batch // batch
        held = sum(self.objective(self.model, self.heldout.batch(i, batch, self.device), 1.0).item() for i in range(count)) / count
        speed = (self.step - self.told[0]) * self.tokens / max(1e-9, time.time() - self.told[1])
        entry = dict(step=self.step, tokens=self.step * self.tokens, minutes=round(self.clock.minutes(), 3), loss=loss, heldout=held,
                     tokens_per_second=round(speed))
        with writing(self.log), open(self.log, "a", encoding="utf8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)
        self.told = self.step, time.time()

    def set_back(self, loss, norm):
        """To the last checkpoint, with half the rates and text not seen yet; saved at once, so that a command cut now keeps both."""
        self.optimiser.skip()
        state = self.resume()
        self.moved, self.step, self.calm = self.moved + self.step + 1 - state["step"], state["step"], self.calm / 2
        print(f"diverged (loss {loss}, gradient {norm}): back to step {self.step}, with {self.calm} of the rates and other text", flush=True)
        self.health, self.told = Health(self.health.returns + 1), (self.step, time.time())
        self.store()

    def ended(self, progress):
        stop = self.options.stop_after
        return self.asked or progress >= 1 or (stop and self.step >= stop) or self.clock.over()

    def advance(self, progress):
        """A step, unless its numbers are not finite, or training is set back."""
        total = self.passes.run(self.step + self.moved, progress)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        loss, norm = torch.stack((total, norm)).tolist()     # the step's one wait for the device
        advice = self.health.judge(loss, norm)
        if advice == "back":
            return self.set_back(loss, norm)
        if advice == "skip":
            print(f"step {self.step}: left out, its loss is {loss}, its gradient {norm}", flush=True)
            self.optimiser.skip()
        else:
            self.optimiser.step(self.calm * rate(progress, self.step, self.options.warmup))
        self.step += 1
        if self.step == 1 or self.step % self.options.report == 0:
            self.report(loss)
        if time.time() - self.saved > 60 * self.options.save_minutes and self.health.well():
            self.store()

    def go(self):
        """Trains until the plan or this command's minutes are over, or it is asked to end."""
        while not self.ended(progress := self.clock.progress(self.step)):
            self.advance(progress)
        self.store()
        print(f"saved {self.path} at step {self.step}, {self.clock.minutes():.1f} minutes: "
              f"the plan is {'over' if progress >= 1 else 'not over yet'}", flush=True)


def run(options, objective, compiling, begin=lambda model: None):
    training = Run(options, objective, compiling, begin)
    try:
        training.go()
    except BadInput as error:                  # of files that were good when it began: it may go well from the checkpoint, so not exit code 2
        raise SystemExit(str(error)) from error
