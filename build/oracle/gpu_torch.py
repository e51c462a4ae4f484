"""Times PyTorch's ways to take a guided sampling step and a training step of one UNet, within a number of seconds.

    python3 gpu_torch.py --unet unet.json [--device cuda|cpu] [--seconds 120] [--sample-batch 1] [--batch 2] [--tokens 77]
                         [--what sampling,training] [--modes "eager f32,bf16 channels_last sdpa"] [--name sd-v1.5]
    python3 gpu_torch.py --self-test [--device cuda] [--seconds 120]

--unet is a UNet's configuration as diffusers writes it; the weights are random, the same in every mode. Needs model.py,
schedule.py and steps.py beside it. Prints one JSON object a line as soon as it is known: facts, references (plain copies,
products, convolutions, attention), then the modes, cheapest first. "state" is "ok", "failed" or "not run", the last two
with "why". The seconds count from the start of the program and are kept: what is under way when they end is given up.
Steps are queued one after another. Times and "peak_mib" leave out the warm-up, compilation ("compile_s") and capture.
"nmse" is the error of the UNet's output against "eager f32" (null without that mode); "gradient_norm" tells of the
backward pass. Training has learning rate 0: the same work, on weights that stay comparable; the text is given and there
is no average of the weights. cuDNN picks the fastest algorithm (its benchmark mode). Exit code: 0 if anything was measured.
"""
import argparse
import contextlib
import functools
import gc
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

START = time.monotonic()  # importing PyTorch takes seconds, and they count

import torch
import torch.nn.functional as F

from model import UNet2DConditionModel, explicit_attention, fused_attention
from steps import sampling_step, training_step

MODES = ["eager f32", "eager f32 channels_last", "eager tf32 channels_last", "eager bf16", "eager bf16 channels_last",
         "bf16 channels_last sdpa", "bf16 channels_last sdpa graph", "f32 channels_last sdpa",
         "bf16 channels_last sdpa compile", "bf16 channels_last sdpa compile max-autotune-no-cudagraphs"]


class Report:
    """JSON lines on standard output. At the deadline the rest of the plan is told as not run and the process ends."""

    def __init__(self, plan, deadline):
        self.plan, self.deadline, self.figures, self.lock = list(plan), deadline, 0, threading.Lock()
        timer = threading.Timer(max(0.0, self.left()), self.give_up)
        timer.daemon = True
        timer.start()

    def left(self):
        return self.deadline - time.monotonic()

    def emit(self, **line):
        """Prints the facts, or the result of the first line of the plan."""
        with self.lock:
            if "state" in line:
                line = {**self.plan.pop(0), **line}
                self.figures += line["state"] == "ok"
            print(json.dumps(line), flush=True)

    def give_up(self):
        with self.lock:
            for i, header in enumerate(self.plan):
                print(json.dumps({**header, "state": "not run", "why": "no time left" if i else "the time ended while it ran"}), flush=True)
            os._exit(0 if self.figures else 1)

    def attempt(self, expected, measure):
        if expected > self.left():
            self.emit(state="not run", why=f"may take {expected:.0f} s, {self.left():.0f} s are left")
            return
        try:
            self.emit(state="ok", **measure())
        except Exception as e:
            text = " | ".join(x.strip()[:120] for x in str(e).splitlines() if x.strip())
            self.emit(state="failed", why=f"{type(e).__name__}: {text}"[:500])
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def timed(action, seconds, gpu, warm=lambda: None):
    """Milliseconds of each of the calls that fit in `seconds`, at least 3; `warm` is called after the warm-up."""
    def mark():
        if not gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(first, second):
        return first.elapsed_time(second) if gpu else 1e3 * (second - first)

    wait = torch.cuda.synchronize if gpu else lambda: None
    started, warmup, marks = time.perf_counter(), 0, []
    while warmup == 0 or (warmup < 10 and time.perf_counter() - started < seconds / 2):
        first = mark()
        action()
        second = mark()
        wait()
        warmup += 1
    count = int(max(3, min(200, 1e3 * seconds / max(1e-3, between(first, second)))))
    warm()
    for _ in range(count):
        first = mark()
        action()
        marks.append((first, mark()))
    wait()
    times = sorted(between(*pair) for pair in marks)
    return {"median_ms": round(statistics.median(times), 4), "min_ms": round(times[0], 4),
            "p90_ms": round(times[math.ceil(0.9 * count) - 1], 4), "count": count, "warmup": warmup}


def captured(action, warm=lambda: None):
    """A function that replays one call as a CUDA graph; the warm-up runs on the stream of the capture."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            action()
    torch.cuda.synchronize()
    warm()
    with torch.cuda.graph(graph, stream=stream):
        result = action()

    def replay():
        graph.replay()
        return result
    return replay


def reference_cases(device):
    """[(name, unit, amount of one call, function that makes the calls)]; the calls rotate over data larger than the L2."""
    gpu = device.type == "cuda"
    size, floats, rotation = (8192, 1 << 28, 1 << 28) if gpu else (256, 1 << 20, 1 << 20)
    heads, length, width = (8, 4096, 40) if gpu else (2, 256, 40)

    def calls(call, *sizes, dtype=torch.float32, layout=torch.contiguous_format):
        count = math.ceil(rotation / sum(math.prod(s) * torch.finfo(dtype).bits // 8 for s in sizes))
        return [functools.partial(call, *(torch.randn(s, device=device).to(dtype, memory_format=layout) for s in sizes))
                for _ in range(count)]

    cases = [("copy", "gb_per_s", 8e-9 * floats, lambda: calls(torch.Tensor.copy_, (floats,), (floats,)))]
    for name, dtype in (("bf16", torch.bfloat16), ("f32", torch.float32)):
        cases.append((f"matmul {name} {size}^3", "tflops", 2e-12 * size ** 3,
                      functools.partial(calls, torch.matmul, (size, size), (size, size), dtype=dtype)))
        for c, s in ((320, 64), (640, 32), (1280, 16), (1280, 8)) if gpu else ((32, 16), (64, 8)):
            cases.append((f"conv3x3 {name} nhwc n2 {c}->{c} {s}x{s}", "tflops", 36e-12 * (s * c) ** 2, functools.partial(
                calls, functools.partial(F.conv2d, padding=1), (2, c, s, s), (c, c, 3, 3), dtype=dtype, layout=torch.channels_last)))
        cases.append((f"sdpa {name} n2 h{heads} l{length} d{width}", "tflops", 8e-12 * heads * length ** 2 * width,
                      functools.partial(calls, fused_attention, *[(2, heads, length, width)] * 3, dtype=dtype)))
    return cases


@torch.no_grad()
def measure_reference(unit, amount, make, seconds, gpu):
    calls = make()

    def rotate():
        return [call() for call in calls]
    result = timed(captured(rotate) if gpu else rotate, seconds, gpu)
    result.update({key: round(result[key] / len(calls), 5) for key in ("median_ms", "min_ms", "p90_ms")})
    return {**result, "calls": len(calls), unit: round(1e3 * amount / result["median_ms"], 3)}


def optimiser_of(unet, graph):
    try:
        return torch.optim.AdamW(unet.parameters(), lr=0.0, fused=True, capturable=graph), "fused"
    except (TypeError, RuntimeError):
        return torch.optim.AdamW(unet.parameters(), lr=0.0, foreach=True, capturable=graph), "foreach"


def measure_step(args, config, what, mode, outputs):
    """Times one mode, told by the words of its name; `outputs` keeps those of "eager f32", by step."""
    device, words, training = args.device, mode.split(), what == "training"
    gpu, graph, bf16 = device.type == "cuda", "graph" in words, "bf16" in words
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in words
    layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
    torch.manual_seed(0)
    with device if gpu else contextlib.nullcontext():
        unet = UNet2DConditionModel(config)
    unet = unet.to(dtype=torch.bfloat16 if bf16 and not training else torch.float32, memory_format=layout)
    if "sdpa" in words:
        unet.use_attention(fused_attention)
    network, line = unet, {"rows": args.batch if training else 2 * args.sample_batch, "compile_s": None}
    if "compile" in words:
        torch.compiler.reset()
        network = torch.compile(unet, mode="default" if words[-1] == "compile" else words[-1])
    if training:
        optimiser, line["optimiser"] = optimiser_of(unet, graph)
        text = torch.randn(args.batch, args.tokens, config["cross_attention_dim"], device=device)
        step = training_step(
            network, optimiser, lambda: text, args.batch, layout=layout, prediction="epsilon",
            autocast=lambda: torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16, cache_enabled=False))
    else:
        step = sampling_step(network, args.sample_batch, args.tokens, layout=layout, guidance=7.5, prediction="epsilon")
    if "compile" in words:
        begun = time.perf_counter()
        step()
        line["compile_s"] = round(time.perf_counter() - begun, 2)
    reset = torch.cuda.reset_peak_memory_stats if gpu else lambda: None
    if graph:  # its memory is taken at the capture: what a later reset would see is less
        line.update(timed(action := captured(step, reset), args.seconds_each, gpu))
    else:
        line.update(timed(action := step, args.seconds_each, gpu, reset))
    line["peak_mib"] = round(torch.cuda.max_memory_allocated() / 2 ** 20, 1) if gpu else None
    torch.manual_seed(1)
    output, second = action()
    output = output.double()
    if mode == MODES[0]:
        outputs[what] = output.clone()
    line["nmse"] = finite(((output - outputs[what]) ** 2).mean() / (outputs[what] ** 2).mean()) if what in outputs else None
    return {**line, "gradient_norm": finite(second)} if training else line


def finite(value):
    return float(f"{value.item():.4g}") if math.isfinite(value.item()) else None


def expected_seconds(walls, what, mode):
    """What a mode may take, judged by what the last ones like it took: `walls` is (what, mode) -> seconds, in order."""
    compiled = "compile" in mode

    def last(same):
        return next((s for (w, m), s in reversed(walls.items()) if (w == what) == same and ("compile" in m) == compiled), 0.0)
    return last(True) * (3 if compiled else 1) or last(False) * 3 or (20.0 if compiled else 0.0)


def missing(mode, gpu):
    """Why this PyTorch or this device cannot run `mode`, or None."""
    words = mode.split()
    if not gpu and ("tf32" in words or "graph" in words):
        return "needs a GPU"
    lacking = [name for word, owner, name in (("sdpa", F, "scaled_dot_product_attention"), ("compile", torch, "compile"))
               if word in words and not hasattr(owner, name)]
    return f"PyTorch {torch.__version__} has no {' and no '.join(lacking)}" if lacking else None


def run(args, config):
    gpu = args.device.type == "cuda"
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    args.seconds_each = min(1.0, args.seconds / 120)
    cases, steps = reference_cases(args.device), [(what, mode) for mode in args.modes for what in args.what]
    report = Report([{"what": "reference", "name": case[0]} for case in cases]
                    + [{"what": what, "model": args.name, "mode": mode} for what, mode in steps], START + args.seconds)
    report.emit(what="facts", framework=f"PyTorch {torch.__version__}", device=torch.cuda.get_device_name() if gpu else "cpu",
                cudnn=torch.backends.cudnn.version(), sdpa=hasattr(F, "scaled_dot_product_attention"),
                compile=hasattr(torch, "compile"), threads=torch.get_num_threads(), start_s=round(time.monotonic() - START, 2))
    for _, *case in cases:
        report.attempt(args.seconds_each / 2, lambda: measure_reference(*case, args.seconds_each / 4, gpu))
    outputs, walls = {}, {}

    def measure(what, mode):
        begun = time.monotonic()
        line = measure_step(args, config, what, mode, outputs)
        walls[what, mode] = time.monotonic() - begun
        return line

    for what, mode in steps:
        if why := missing(mode, gpu):
            report.emit(state="not run", why=why)
        else:
            report.attempt(expected_seconds(walls, what, mode), functools.partial(measure, what, mode))
    return 0 if report.figures else 1


def self_test(device, seconds):
    """Checks the attention here and whole runs of this program on a tiny UNet, the first for `seconds`; prints a line a check."""
    failures, gpu = 0, device.type == "cuda"
    tiny = {"sample_size": 16, "in_channels": 4, "out_channels": 4, "block_out_channels": [32, 64], "layers_per_block": 1,
            "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
            "attention_head_dim": 4, "cross_attention_dim": 64}

    def check(name, passed, seen):
        nonlocal failures
        failures += not passed
        print(json.dumps({"what": "self-test", "name": name, "state": "ok" if passed else "failed", "seen": seen}), flush=True)

    def program(*options):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(tiny, file)
            file.flush()
            begun = time.monotonic()
            result = subprocess.run([sys.executable, __file__, "--unet", file.name, "--device", device.type, *options],
                                    stdout=subprocess.PIPE, text=True, check=False)
        return result.returncode, [json.loads(x) for x in result.stdout.splitlines()], time.monotonic() - begun

    if not missing("sdpa", gpu):
        q, k, v = (torch.randn(2, 4, n, 40, device=device) for n in (256, 77, 77))
        error = (fused_attention(q, k, v) - explicit_attention(q, k, v)).abs().max().item()
        check("fused attention equals explicit", error <= 1e-5, error)
    code, lines, _ = program("--seconds", str(seconds))
    states = {(x["what"], x["mode"]): x for x in lines if "mode" in x}
    check("one line each", code == 0 and len(states) == 2 * len(MODES)
          and len(lines) == 1 + len(reference_cases(device)) + len(states), len(lines))
    for (what, mode), x in states.items():
        if missing(mode, gpu) or x["state"] == "not run" and "compile" in mode:  # compiling may not fit
            check(f"{what} {mode} is not run", x["state"] == "not run", x.get("why"))
            continue
        limit = 1e-2 if "bf16" in mode else 1e-4 if "tf32" in mode else 1e-9
        norm, own = (y.get("gradient_norm", 0.0) for y in (states[what, MODES[0]], x))
        if x["state"] == "failed" and "bf16" in mode and torch.__version__ < "2":  # its layer norm refuses mixed types on the CPU
            check(f"{what} {mode} fails with a reason", bool(x["why"]), x["why"])
        else:
            check(f"{what} {mode} agrees with {MODES[0]}", x["state"] == "ok" and x["nmse"] <= limit and abs(own - norm) <= 0.03 * norm,
                  x.get("why", x.get("nmse")))
    code, lines, wall = program("--seconds", "8", "--what", "training", "--batch", "65536" if gpu else "512")
    check("the time is kept", wall < 11 and len(lines) == 1 + len(reference_cases(device)) + len(MODES), round(wall, 2))
    code, lines, _ = program("--seconds", "0")
    check("no time, no figure", code == 1 and all(x.get("state") != "ok" for x in lines), code)
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {"what": ["sampling", "training"], "modes": MODES}
    parser.add_argument("--unet", type=pathlib.Path)
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda; cpu for --self-test")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--sample-batch", type=int, default=1, help="latents sampled together; guidance doubles the rows")
    parser.add_argument("--batch", type=int, default=2, help="images in a training step")
    parser.add_argument("--tokens", type=int, default=77)
    parser.add_argument("--name", default="unet", help="the model's name in the lines")
    for option, values in names.items():
        parser.add_argument(f"--{option}", type=lambda text: text.split(","), default=values, help=f"some of: {', '.join(values)}")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    for option, values in names.items():
        for unknown in set(getattr(args, option)) - set(values):
            parser.error(f"--{option}: {unknown!r} is none of: {', '.join(values)}")
    args.device = torch.device(args.device or ("cpu" if args.self_test else "cuda"))
    if args.device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("gpu_torch: this PyTorch sees no GPU; try --device cpu")
    if args.self_test:
        return self_test(args.device, args.seconds)
    if args.unet is None:
        parser.error("--unet is required: the UNet's configuration")
    try:
        config = json.loads(args.unet.read_text())
    except (OSError, ValueError) as e:
        sys.exit(f"gpu_torch: {args.unet}: {e}")
    return run(args, config)


if __name__ == "__main__":
    sys.exit(main())
