"""Writes a Stable Diffusion model with random weights, in diffusers' layout: the size of the real thing without its download.

    python3 build/oracle/make_checkpoint.py --version 1.5 --out DIR [--dtype float32|float16] [--single FILE.safetensors]

The weights are drawn so that activations stay of order one through the whole network; the pictures mean nothing. --single
writes the same weights also as one file in the original layout.
"""
import argparse
import gzip
import json
import pathlib

import numpy as np
import torch

import ldm_names
import safetensors_io
from autoencoder import AutoencoderKL
from model import CLIPTextModel, UNet2DConditionModel, stable_diffusion_unet_config

VOCABULARY = pathlib.Path(__file__).resolve().parents[2] / "data" / "clip" / "bpe_simple_vocab_16e6.txt.gz"


def text_config(version):
    common = {"vocab_size": 49408, "max_position_embeddings": 77, "layer_norm_eps": 1e-5}
    if version == "1.5":
        return dict(common, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
                    hidden_act="quick_gelu")
    return dict(common, hidden_size=1024, num_hidden_layers=23, num_attention_heads=16, intermediate_size=4096,
                hidden_act="gelu")


def vae_config(size):
    return {"in_channels": 3, "out_channels": 3, "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
            "latent_channels": 4, "norm_num_groups": 32, "sample_size": 8 * size, "act_fn": "silu",
            "scaling_factor": 0.18215, "down_block_types": ["DownEncoderBlock2D"] * 4,
            "up_block_types": ["UpDecoderBlock2D"] * 4}


def randomise(model, seed):
    """Fan-in scaled uniform weights, which are quick to draw; norms stay at one and zero."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if p.dim() > 1:
            bound = (3.0 / (1.0 if "embedding.weight" in name else p[0].numel())) ** 0.5
            p.data.uniform_(-bound, bound, generator=generator)
        elif not ("norm" in name and name.endswith("weight")):
            p.data.zero_()
    return model


def byte_characters():
    """The printable stand-in of every byte in CLIP's vocabulary."""
    kept = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    others = [b for b in range(256) if b not in kept]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(folder, pad):
    lines = gzip.open(VOCABULARY, "rt", encoding="utf-8").read().split("\n")
    merges = lines[1:49152 - 256 - 2 + 1]
    characters = byte_characters()
    tokens = characters + [c + "</w>" for c in characters] + ["".join(m.split()) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": pad, "unk_token": "<|endoftext|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        special, tokenizer_class="CLIPTokenizer", model_max_length=77, do_lower_case=True, add_prefix_space=False,
        errors="replace")))


def write_part(folder, config, class_name, model, file_name, dtype):
    folder.mkdir(parents=True)
    head = {"architectures": [class_name], "model_type": "clip_text_model"} if class_name == "CLIPTextModel" else {"_class_name": class_name}
    (folder / "config.json").write_text(json.dumps(dict(head, **config), indent=1))
    tensors = {name: p.detach().to(dtype).numpy() for name, p in model.named_parameters()}
    safetensors_io.save(folder / file_name, tensors)
    print(f"{class_name}: {sum(p.numel() for p in model.parameters()):,d} parameters in {len(tensors)} tensors")
    return tensors


def write_single(path, version, tensors):
    second = version != "1.5"
    names = [*ldm_names.unet([320, 640, 1280, 1280], 2, [True, True, True, False], 1024 if second else 768, second),
             *ldm_names.vae([128, 256, 512, 512], 2),
             *(ldm_names.open_clip_text(49408, 77, 1024, 24) if second else ldm_names.clip_text(49408, 77, 768, 12))]
    single = {ldm: np.concatenate([tensors.pop(d) for d in diffusers]).reshape(shape) for ldm, diffusers, shape in names if diffusers}
    assert not tensors, f"no original name for {sorted(tensors)}"
    safetensors_io.save(path, single, {"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", choices=("1.5", "2.1", "2.1-base"), default="1.5")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--single", type=pathlib.Path)
    args = parser.parse_args()
    second = args.version != "1.5"
    unet = stable_diffusion_unet_config("2.1" if second else "1.5")
    if args.version == "2.1-base":
        unet["sample_size"] = 64
    dtype = getattr(torch, args.dtype)
    diffusion = "diffusion_pytorch_model.safetensors"
    tensors = write_part(args.out / "unet", unet, "UNet2DConditionModel", randomise(UNet2DConditionModel(unet), 1), diffusion, dtype)
    vae = vae_config(unet["sample_size"])
    tensors |= write_part(args.out / "vae", vae, "AutoencoderKL", randomise(AutoencoderKL(vae), 2), diffusion, dtype)
    text = text_config(args.version)
    tensors |= write_part(args.out / "text_encoder", text, "CLIPTextModel", randomise(CLIPTextModel(text), 3), "model.safetensors", dtype)
    if args.single:
        write_single(args.single, args.version, tensors)
    write_tokenizer(args.out / "tokenizer", "!" if second else "<|endoftext|>")
    (args.out / "scheduler").mkdir()
    (args.out / "scheduler" / "scheduler_config.json").write_text(json.dumps({
        "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
        "prediction_type": "v_prediction" if args.version == "2.1" else "epsilon"}, indent=1))
    (args.out / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}, indent=1))


if __name__ == "__main__":
    main()
