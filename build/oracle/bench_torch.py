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

from model import CLIPTextModel, UNet2DConditionModel
from steps import sampling_step, training_step


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
    parameters = list(unet.parameters()) + (list(text_encoder.parameters()) if args.train_text else [])
    embeddings = torch.randn(args.batch, length, unet.config["cross_attention_dim"], device=args.device)

    def text():
        if not args.train_text:
            return embeddings
        return text_encoder(torch.randint(0, text_encoder.config["vocab_size"], (args.batch, length), device=args.device))

    training = timed(
        training_step(unet, torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-2), text, args.batch,
                      layout=layout, prediction=args.prediction, ema=args.ema),
        args.steps, args.warmup, args.device)
    sampling = timed(
        sampling_step(unet, args.sample_batch, length, layout=layout, guidance=args.guidance, prediction=args.prediction),
        args.sample_steps, args.warmup, args.device)
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
