"""Runs a part of a model folder in PyTorch and writes what `cudattr probe` would: the result and, with --trace, every layer's output.

    python3 build/oracle/trace_torch.py --model DIR --component unet|vae-encode|vae-decode|text --inputs IN.safetensors
                                        --out OUT.safetensors [--trace DIR] [--double] [--time N]

Norms that are followed by SiLU are written with it, as NAME.silu, like the program's. --double computes in float64 (from
the same float32 weights); --time prints the median seconds of N runs.
"""
import argparse
import json
import pathlib
import statistics
import time

import torch
import torch.nn.functional as F

import autoencoder
import model as networks
import safetensors_io

PARTS = {
    "unet": ("unet", networks.UNet2DConditionModel, "diffusion_pytorch_model.safetensors", "sample",
             lambda m, x: m(x["sample"], x["timestep"], x["encoder_hidden_states"])),
    "vae-encode": ("vae", autoencoder.AutoencoderKL, "diffusion_pytorch_model.safetensors", "moments",
                   lambda m, x: m.encode(x["image"])),
    "vae-decode": ("vae", autoencoder.AutoencoderKL, "diffusion_pytorch_model.safetensors", "sample",
                   lambda m, x: m.decode(x["latent"])),
    "text": ("text_encoder", networks.CLIPTextModel, "model.safetensors", "last_hidden_state",
             lambda m, x: m(x["input_ids"])),
}


def trace_name(name, module):
    """Group norms inside residual blocks and before the last convolution are followed by SiLU; those before attention are not."""
    last = name.rsplit(".", 1)[-1]
    if isinstance(module, torch.nn.GroupNorm) and last in ("norm1", "norm2", "conv_norm_out"):
        return f"{name}.silu"
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--component", required=True, choices=PARTS)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--trace", type=pathlib.Path)
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--time", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder, build, file, result, run = PARTS[args.component]
    network = build(json.loads((args.model / folder / "config.json").read_text()))
    weights, _ = safetensors_io.load(args.model / folder / file)
    network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()}, strict=True)
    inputs = {k: torch.from_numpy(v.copy()) for k, v in safetensors_io.load(args.inputs)[0].items()}
    dtype = torch.float64 if args.double else torch.float32
    network = network.to(dtype)
    inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    names = []

    def write(name, module):
        def hook(_, __, output):
            value = F.silu(output) if name.endswith(".silu") else output
            path = args.trace / f"{len(names):05d}.safetensors"
            safetensors_io.save(path, {"output": value.float().numpy()}, {"layer": name})
            names.append(name)
        return hook

    if args.trace:
        args.trace.mkdir(parents=True)
        for name, module in network.named_modules():
            if name:
                name = trace_name(name, module)
                module.register_forward_hook(write(name, module))
    with torch.no_grad():
        output = run(network, inputs)
        seconds = []
        for _ in range(args.time):
            start = time.perf_counter()
            run(network, inputs)
            seconds.append(time.perf_counter() - start)
    safetensors_io.save(args.out, {result: output.float().numpy()})
    if args.trace:
        (args.trace / "layers.json").write_text(json.dumps({"layers": names}, indent=1))
    if seconds:
        print(json.dumps({"torch": torch.__version__, "threads": args.threads, "median_s": statistics.median(seconds), "min_s": min(seconds)}))


if __name__ == "__main__":
    main()
