"""Times PyTorch on a model folder: one training step and one guided sampling step. Prints one JSON object.

    python3 build/oracle/bench_torch.py --model DIR [--batch 16] [--sample-batch 30] [--threads 2] ...

DIR is in diffusers' layout; only unet/config.json (and text_encoder/config.json with --train-text) is read: the
weights are random, which does not change the time. The training step is the trainer's: q-sample, forward,
mean-squared error of the v- or epsilon-target, backward, clipping of the gradient norm, AdamW, EMA. The text
embeddings are given, as in fine-tuning, unless --train-text adds the text encoder to the step.
--device cuda times on the GPU, F32 throughout (no TF32), waiting for the device around each step.
The BLAS that PyTorch really uses is printed: Debian's default (reference BLAS) is many times slower than OpenBLAS
(`apt-get install libopenblas0-pthread`), so say which one a comparison used.
"""
import argparse
import json
import pathlib
import re
import resource
import statistics
import time

import torch
import torch.nn.functional as F

from model import CLIPTextModel, UNet2DConditionModel
from schedule import add_noise, alphas_cumprod, ddim_step, ddim_timesteps, training_target


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=pathlib.Path, help="model folder in diffusers' layout")
    parser.add_argument("--batch", type=int, default=16, help="images in a training step")
    parser.add_argument("--sample-batch", type=int, default=30, help="images sampled together")
    parser.add_argument("--tokens", type=int, help="text length (default: that of the text encoder)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=30, help="timed training steps")
    parser.add_argument("--sample-steps", type=int, default=20, help="timed DDIM steps")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--ema", type=float, default=0.999, help="decay of the weight average; 0 leaves it out")
    parser.add_argument("--prediction", choices=("v_prediction", "epsilon"), default="v_prediction")
    parser.add_argument("--train-text", action="store_true", help="train the text encoder too, as for G0")
    parser.add_argument("--channels-last", action="store_true", help="NHWC memory format")
    return parser.parse_args()


def loaded_blas():
    text = pathlib.Path("/proc/self/maps").read_text()
    return sorted({m for m in re.findall(r"/\S*(?:blas|mkl)\S*\.so\S*", text)})


def timed(action, count, warmup, device):
    """Milliseconds per call of `action`, warm-up calls left out."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    seconds = []
    for i in range(count + warmup):
        wait()
        start = time.perf_counter()
        action()
        wait()
        if i >= warmup:
            seconds.append(time.perf_counter() - start)
    return {"median_ms": round(1e3 * statistics.median(seconds), 3), "min_ms": round(1e3 * min(seconds), 3),
            "max_ms": round(1e3 * max(seconds), 3), "count": count}


def training_step(args, unet, text_encoder, layout, length):
    config, table = unet.config, alphas_cumprod().float().to(args.device)
    parameters = list(unet.parameters()) + (list(text_encoder.parameters()) if args.train_text else [])
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-2)
    average = [p.detach().clone() for p in parameters] if args.ema else None
    shape = (args.batch, config["in_channels"], config["sample_size"], config["sample_size"])
    clean = torch.rand(shape, device=args.device).mul_(2).sub_(1).contiguous(memory_format=layout)
    embeddings = torch.randn(args.batch, length, config["cross_attention_dim"], device=args.device)

    def step():
        t = torch.randint(0, 1000, (args.batch,), device=args.device)
        noise = torch.randn(shape, device=args.device).contiguous(memory_format=layout)
        text = embeddings
        if args.train_text:
            text = text_encoder(torch.randint(0, text_encoder.config["vocab_size"], (args.batch, length), device=args.device))
        output = unet(add_noise(clean, noise, table[t]), t, text)
        F.mse_loss(output, training_target(clean, noise, table[t], args.prediction)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if average:
            torch._foreach_mul_(average, args.ema)
            torch._foreach_add_(average, [p.detach() for p in parameters], alpha=1 - args.ema)
    return step


def sampling_step(args, unet, layout, length):
    config, table = unet.config, alphas_cumprod()
    t, previous = ddim_timesteps(20)[10]
    guided = args.guidance > 1
    shape = (args.sample_batch, config["in_channels"], config["sample_size"], config["sample_size"])
    latent = torch.randn(shape, device=args.device).contiguous(memory_format=layout)
    rows = args.sample_batch * (2 if guided else 1)
    text = torch.randn(rows, length, config["cross_attention_dim"], device=args.device)

    @torch.no_grad()
    def step():
        output = unet(torch.cat([latent, latent]) if guided else latent, torch.full((rows,), t, device=args.device), text)
        if guided:
            unconditional, conditional = output.chunk(2)
            output = unconditional + args.guidance * (conditional - unconditional)
        ddim_step(latent, output, table[t].item(), table[previous].item(), args.prediction)
    return step


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    args.device = torch.device(args.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    unet = UNet2DConditionModel(json.loads((args.model / "unet" / "config.json").read_text()))
    unet = unet.to(args.device, memory_format=layout)
    text_encoder, length = None, args.tokens
    if args.train_text or length is None:
        text_encoder = CLIPTextModel(json.loads((args.model / "text_encoder" / "config.json").read_text())).to(args.device)
        length = length or text_encoder.config["max_position_embeddings"]
    training = timed(training_step(args, unet, text_encoder, layout, length), args.steps, args.warmup, args.device)
    sampling = timed(sampling_step(args, unet, layout, length), args.sample_steps, args.warmup, args.device)
    training["images_per_second"] = round(1e3 * args.batch / training["median_ms"], 2)
    sampling["images_per_second_per_step"] = round(1e3 * args.sample_batch / sampling["median_ms"], 2)
    print(json.dumps({
        "framework": f"PyTorch {torch.__version__}",
        "device": torch.cuda.get_device_name() if args.device.type == "cuda" else "cpu", "blas": loaded_blas(), "threads": args.threads,
        "parameters": sum(p.numel() for p in unet.parameters()), "batch": args.batch, "tokens": length,
        "sample_batch": args.sample_batch, "guidance": args.guidance, "train_text": args.train_text,
        "ema": args.ema, "channels_last": args.channels_last, "training_step": training,
        "sampling_step": sampling,
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}, indent=1))


if __name__ == "__main__":
    main()
