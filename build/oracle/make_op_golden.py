"""Writes tests/golden/ops.safetensors and .json: single ops by PyTorch. Run by hand: python3 build/oracle/make_op_golden.py

Inputs, parameters and output gradients are exact float32 values; results are computed from them in float64 and rounded once, on writing.
"""
import numpy as np
import torch
import torch.nn.functional as F

from make_golden import OUT, rounded, write


class Cases:
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors, self.notes = {}, {}

    def draw(self, *shape):
        return rounded(torch.randn(shape, generator=self.generator, dtype=torch.float64))

    def add(self, name, run, inputs, note, buffers=None):
        """`run(**inputs)` gives the output; all tensors of `inputs` get a gradient. `buffers` are read after it has run."""
        leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
        output = run(**leaves)
        seed = self.draw(*output.shape)
        output.backward(seed)
        self.tensors.update({f"{name}.{k}": v for k, v in inputs.items()})
        self.tensors.update({f"{name}.d{k}": v.grad for k, v in leaves.items()})
        self.tensors.update({f"{name}.y": output, f"{name}.dy": seed})
        self.tensors.update({f"{name}.{k}": v for k, v in (buffers() if buffers else {}).items()})
        self.notes[name] = note


def convolutions(cases):
    for name, n, h, w, c, o, kernel, stride, pad in (
            ("conv7", 2, 23, 18, 3, 10, 7, 2, 3), ("conv6", 1, 11, 11, 4, 5, 6, 3, 1), ("conv3", 2, 7, 8, 6, 4, 3, 2, 1)):
        cases.add(name, lambda x, w, b, s=stride, p=pad: F.conv2d(x, w, b, s, p),
                  {"x": cases.draw(n, c, h, w), "w": cases.draw(o, c, kernel, kernel), "b": cases.draw(o)}, {"stride": stride, "padding": pad})
    for name, n, h, w, c, o, kernel, stride, pad, extra in (
            ("transposed4", 2, 5, 6, 6, 4, 4, 2, 1, 0), ("transposed3", 2, 5, 4, 5, 3, 3, 2, 1, 1), ("transposed7", 1, 3, 4, 2, 3, 7, 3, 2, 2),
            ("transposed1", 1, 4, 3, 3, 2, 1, 2, 0, 1), ("transposed_same", 2, 4, 5, 3, 4, 3, 1, 1, 0)):
        cases.add(name, lambda x, w, b, s=stride, p=pad, e=extra: F.conv_transpose2d(x, w, b, s, p, e),
                  {"x": cases.draw(n, c, h, w), "w": cases.draw(c, o, kernel, kernel), "b": cases.draw(o)},
                  {"stride": stride, "padding": pad, "output_padding": extra})


def pools(cases):
    for name, x, kernel, stride, pad in (
            ("max3", cases.draw(2, 5, 15, 14), 3, 2, 1), ("max2", cases.draw(1, 3, 9, 7), 2, 2, 0), ("max5", cases.draw(2, 2, 8, 8), 5, 1, 2),
            ("max_ties", cases.draw(2, 4, 12, 11).round(), 3, 2, 1), ("max_negative", -cases.draw(1, 3, 6, 6).abs() - 1, 3, 2, 1)):
        cases.add(name, lambda x, k=kernel, s=stride, p=pad: F.max_pool2d(x, k, s, p), {"x": x}, {"kernel": kernel, "stride": stride, "padding": pad})
    for name, kernel, stride, pad, count in (("avg3", 3, 2, 1, True), ("avg3_pixels", 3, 2, 1, False), ("avg4", 4, 3, 2, False), ("avg2", 2, 2, 0, True)):
        cases.add(name, lambda x, k=kernel, s=stride, p=pad, c=count: F.avg_pool2d(x, k, s, p, count_include_pad=c),
                  {"x": cases.draw(2, 3, 11, 9)}, {"kernel": kernel, "stride": stride, "padding": pad, "count_include_pad": count})
    cases.add("avg_global", lambda x: F.adaptive_avg_pool2d(x, 1), {"x": cases.draw(2, 70, 7, 5)}, {})


def batch_norms(cases):
    for name, shape, momentum, eps in (("batch_norm", (4, 6, 7, 5), 0.1, 1e-5), ("batch_norm_long", (2, 3, 40, 33), 0.3, 1e-3)):
        module = torch.nn.BatchNorm2d(shape[1], eps, momentum).double()
        inputs = {"x": cases.draw(*shape) * 2 + 1, "w": 1 + 0.25 * cases.draw(shape[1]), "b": cases.draw(shape[1])}
        inputs = {k: rounded(v) for k, v in inputs.items()}

        def run(x, w, b, module=module, training=True):
            module.train(training)
            return torch.nn.utils.stateless.functional_call(module, {"weight": w, "bias": b}, (x,))

        def running(module=module):
            return {f"running_{k}": getattr(module, f"running_{k}").clone() for k in ("mean", "var")}
        note = {"eps": eps, "momentum": momentum}
        cases.add(name, run, inputs, note, running)
        cases.add(f"{name}.second", run, dict(inputs, x=rounded(inputs["x"] * 3 - 2)), note, running)
        for k in ("mean", "var"):
            getattr(module, f"running_{k}").copy_(rounded(getattr(module, f"running_{k}")))
        cases.add(f"{name}.eval", lambda x, w, b, r=run: r(x, w, b, training=False), inputs, note, running)


def spectra(cases):
    for name, n, side, channels in (("fft8", 3, 8, 2), ("fft64", 1, 64, 1)):
        x = cases.draw(n, channels, side, side)
        magnitude = torch.from_numpy(np.abs(np.fft.fft2(x.numpy(), axes=(2, 3))))
        cases.tensors.update({f"{name}.x": x, f"{name}.y": magnitude, f"{name}.log": torch.log1p(magnitude),
                              f"{name}.shifted": torch.from_numpy(np.fft.fftshift(magnitude.numpy(), axes=(2, 3)).copy())})
        cases.notes[name] = {}


def state_dict():
    """A convolution and a batch norm as torch.save leaves them after two batches."""
    torch.manual_seed(7)
    model = torch.nn.Sequential()
    model.add_module("conv1", torch.nn.Conv2d(3, 4, 3, bias=False))
    model.add_module("bn1", torch.nn.BatchNorm2d(4))
    model = model.float()
    for _ in range(2):
        model(torch.randn(2, 3, 6, 6, dtype=torch.float32))
    torch.save(model.state_dict(), OUT / "weights" / "batch_norm.pt")


def main():
    torch.set_default_dtype(torch.float64)
    cases = Cases(61)
    convolutions(cases)
    pools(cases)
    batch_norms(cases)
    spectra(cases)
    write("ops", cases.tensors, cases.notes)
    state_dict()
    print(f"torch {torch.__version__}, numpy {np.__version__}, {len(cases.notes)} cases")


if __name__ == "__main__":
    main()
