"""What the training loop is made of: text in its order, optimisers, objectives, the model, random text."""
import math
import os
import re
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402

if torch:
    import numpy as np

    import distill
    import optimiser
    import probe
    from distill import divergence
    from model import SHAPES, Model, Shape, cross_entropy
    from windows import Windows


class Text(Tiny):
    def windows(self, seed=0):
        return Windows(self.path("train.bin"), 16, seed)

    def test_every_window_once_an_epoch_in_an_order_of_its_own(self):
        cpu, windows, whole = torch.device("cpu"), self.windows(), np.arange(4000) * 7 % 61
        self.assertEqual(windows.count, 249)
        starts = lambda windows, position: windows.batch(position, 249, cpu)[:, 0].tolist()
        first, second = starts(windows, 0), starts(windows, 1)
        self.assertEqual(sorted(first), sorted(whole[:249 * 16:16].tolist()))
        self.assertEqual(sorted(second), sorted(first))
        self.assertNotEqual(second, first)
        self.assertNotEqual(starts(self.windows(seed=1), 0), first)
        self.assertEqual(starts(self.windows(), 1), second)
        spanning = windows.batch(3, 64, cpu)                         # windows 192 to 255: of both epochs
        self.assertEqual(spanning[:, 0].tolist(), first[192:] + second[:7])
        self.assertEqual(spanning.shape, (64, 17))
        with self.assertRaisesRegex(SystemExit, "fewer than one window"):
            Windows(self.path("train.bin"), 4000)

    def test_random_text_trains(self):
        os.makedirs(self.path("random"))
        with unittest.mock.patch.object(sys, "argv", ["probe.py", self.path("random"), "tiny"]):
            probe.main()
        tokens = [np.fromfile(self.path(f"random/{name}.bin"), np.uint16) for name in ("train", "heldout")]
        self.assertEqual([len(some) for some in tokens], [96 * 16] * 2)
        self.assertEqual({int(some.max()) for some in tokens}, {63})
        self.folder = self.path("random")
        self.assertIn("the plan is over", self.train("target", "--steps", 2))


class Distilled(Tiny):
    def test_the_blend_grows_over_the_second_half_and_the_target_stays(self):
        self.train("target", "--steps", 5)
        before, seen = self.state("target")["model"], []

        def watched(p, q, blend):
            seen.append((p.requires_grad, round(blend.item(), 3)))
            return divergence(p, q, blend)

        given = ["distill.py", self.path("draft"), "--target", self.path("target.pt"), "--shape", "tiny", "--data", self.folder, "--batch", "2",
                 "--accumulate", "1", "--steps", "8", "--warmup", "2"]
        with unittest.mock.patch.object(sys, "argv", given), unittest.mock.patch.object(distill, "divergence", watched):
            distill.main()
        self.assertEqual([blend for _, blend in seen if blend != 0.5], [0] * 5 + [0.125, 0.25, 0.375])
        self.assertFalse(any(wanted for wanted, _ in seen))
        self.assertTrue(all(torch.equal(before[key], value) for key, value in self.state("target")["model"].items()))

    def test_a_new_draft_begins_with_the_targets_embeddings_in_its_width(self):
        self.train("target", "--steps", 5)
        target = self.state("target")["model"]["token_embd"]
        given = ["distill.py", self.path("draft"), "--target", self.path("target.pt"), "--shape", "narrow", "--data", self.folder, "--batch", "2",
                 "--accumulate", "1", "--warmup", "2", "--muon-rate", "0", "--adam-rate", "0", "--steps"]
        with unittest.mock.patch.dict(SHAPES, narrow=Shape(16, 1, 1, 1, 32, vocabulary=64, context=16, head=16)):
            with unittest.mock.patch.object(sys, "argv", [*given, "1"]):
                distill.main()
            begun = self.state("draft")["model"]["token_embd"]
            best = torch.linalg.svdvals(target.double())[16:].square().square().sum().sqrt()      # of products, by Eckart and Young 1936
            torch.testing.assert_close((begun @ begun.T - target @ target.T).double().norm(), best, rtol=1e-3, atol=0)
            state = self.state("draft")
            state["model"]["token_embd"] += 1
            torch.save(state, self.path("draft.pt"))
            with unittest.mock.patch.object(sys, "argv", [*given, "2"]):
                distill.main()
        torch.testing.assert_close(self.state("draft")["model"]["token_embd"], begun + 1)             # one that goes on keeps its own

    def test_a_draft_set_back_to_its_beginning_begins_the_same_way(self):
        begun = []

        def begin(model):
            begun.append(model)

        self.train("tiny", "--steps", 3, begin=begin, objective=lambda model, ids, progress: model.loss(ids) * (math.nan if len(begun) == 1 else 1))
        self.assertEqual(len(begun), 2)


class Parts(Tiny):
    def test_muon_together_is_muon_one_by_one(self):
        """Against the update as it is written down, matrix by matrix."""
        torch.manual_seed(0)
        shapes = ((6, 4), (4, 6), (6, 4))
        together, alone = ([torch.nn.Parameter(torch.linspace(-1, 1, a * b).reshape(a, b) * (i + 1)) for i, (a, b) in enumerate(shapes)]
                           for _ in range(2))
        muon, averages = optimiser.Muon(together, lr=0.1), [torch.zeros(shape) for shape in shapes]
        for _ in range(3):
            for parameter, other, average in zip(together, alone, averages):
                parameter.grad = torch.randn(parameter.shape)
                average.lerp_(parameter.grad, 0.05)
                update = optimiser.orthogonalised(parameter.grad.lerp(average, 0.95)[None])[0]
                scale = max(1, update.shape[0] / update.shape[1]) ** 0.5
                other.data.mul_(1 - 0.1 * 0.01).add_(update, alpha=-0.1 * scale)
            muon.step()
        for parameter, other in zip(together, alone):
            torch.testing.assert_close(parameter, other)

    def test_both_optimisers_follow_the_rate(self):
        model = Model(Shape(32, 2, 2, 1, 32, vocabulary=64, context=16, head=16))
        both = optimiser.Optimiser(model, 0.02, 0.003)
        moved = {}
        for rate in (0.0, 0.5, 1.0):
            before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter)
            both.step(rate)
            self.assertEqual([one.param_groups[0]["lr"] for one in both.both], [0.02 * rate, 0.003 * rate])
            self.assertTrue(all(parameter.grad is None for parameter in model.parameters()))
            moved[rate] = {name: not torch.equal(before[name], tensor) for name, tensor in model.state_dict().items()}
        self.assertEqual([set(moved[rate].values()) for rate in (0.0, 0.5, 1.0)], [{False}, {True}, {True}])

    def test_divergence_is_kl_and_one_less_the_accepted_share(self):
        p, q = torch.randn(5, 7), torch.randn(5, 7)
        kl = (p.softmax(-1) * (p.log_softmax(-1) - q.log_softmax(-1))).sum(-1).mean()
        kept = sum(torch.minimum((p / t).softmax(-1), (q / t).softmax(-1)).sum(-1).mean() for t in (0.2, 0.8)) / 2
        torch.testing.assert_close(divergence(p, q, torch.tensor(0.0)), kl)
        torch.testing.assert_close(divergence(p, q, torch.tensor(1.0)), 1 - kept)

    def test_the_pair_that_a_run_trains_unasked_is_of_the_sizes_to_ship(self):
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        with open(os.path.join(here, "run_there.sh"), encoding="utf8") as file:
            names = re.findall(r"--shape \"\$\{(?:TARGET|DRAFT)_SHAPE:-(.*?)\}", file.read())
        target, draft = (SHAPES[name] for name in names)
        self.assertTrue(80e6 <= target.parameters() <= 130e6 and 6e6 <= draft.parameters() <= 12e6)
        self.assertLessEqual(8 * draft.parameters(), target.parameters())                              # as Q8_0, of 34 bytes for 32
        self.assertLessEqual((target.parameters() + draft.parameters()) * 34 / 32, 150e6)
        self.assertGreaterEqual(min(target.context, draft.context), 2_048)
        self.assertEqual(target.vocabulary, draft.vocabulary)

    def test_the_model_sees_nothing_that_comes_later(self):
        torch.manual_seed(0)
        model = Model(Shape(32, 2, 2, 1, 32, vocabulary=64, context=16, head=16))
        ids = torch.randint(64, (2, 16))
        changed = ids.clone()
        changed[:, 9:] = 3
        torch.testing.assert_close(model(ids)[:, :9], model(changed)[:, :9])
        torch.testing.assert_close(cross_entropy(model(ids)[0], ids[0]), torch.nn.functional.nll_loss(model(ids)[0].log_softmax(-1), ids[0]))


if __name__ == "__main__":
    unittest.main()
