"""Writes the weight files of tests/golden/weights and what PyTorch reads from them. Run by hand: python3 build/oracle/make_weights.py

Nothing here is translated from the program under test: files are written by torch.save, values converted by PyTorch, and the
names of the single-file layout come from ldm_names.py.
"""
import collections
import datetime
import gzip
import hashlib
import json
import pathlib
import shutil
import sys
import types

import numpy as np
import torch

import ldm_names
import safetensors_io

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "weights"
ATTENDS = [True, True, True, False]


def f32_hex(tensor):
    return tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes().hex()


def digest(tensor):
    """Shape and the first 12 hexadecimal digits of the SHA-256 over the F32 values."""
    data = tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes()
    return [list(tensor.shape), hashlib.sha256(data).hexdigest()[:12]]


def write_json(name, value):
    (OUT / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def fake_class(module, name, base=object):
    """A class that the reader has never heard of, importable while the pickle is written."""
    parts = module.split(".")
    for i in range(len(parts)):
        sys.modules.setdefault(".".join(parts[:i + 1]), types.ModuleType(".".join(parts[:i + 1])))
    made = type(name, (base,), {"__module__": module})
    setattr(sys.modules[module], name, made)
    return made


def tensors():
    g = torch.Generator().manual_seed(7)
    base = torch.randn(6, 5, generator=g)
    flat = torch.arange(24, dtype=torch.float32) / 7
    f16 = torch.tensor([1.5, 6e-8, 5.96e-8, 65504, -0.0, 1 / 3, float("inf"), float("nan"), 2 ** -14, 1 + 2 ** -10]).half()
    bf16 = torch.tensor([1.5, 1e-40, 3.3895314e38, -0.0, 1 / 3, float("-inf"), float("nan"), 257.0]).bfloat16()
    f64 = torch.tensor([1 / 3, 1 + 2.0 ** -24, 1 + 3 * 2.0 ** -24, 1e300, -1e-46, 7e-46, 1.0000000596046448, -0.0],
                       dtype=torch.float64)
    return collections.OrderedDict([
        ("plain", base), ("half", f16), ("bfloat16", bf16), ("double", f64),
        ("int64", torch.tensor([[1, -2], [2 ** 40, 3]])), ("int32", torch.tensor([5, -6], dtype=torch.int32)),
        ("uint8", torch.tensor([0, 255], dtype=torch.uint8)), ("scalar", torch.tensor(2.5)), ("empty", torch.zeros(0, 3)),
        ("transposed", base.t()), ("rows", base[2:4]), ("columns", base[:, 1:4]), ("every_other", flat[3:21:2]),
        ("permuted", flat.view(2, 3, 4).permute(2, 0, 1)), ("half_columns", f16.view(2, 5)[:, 2:]),
        ("one_wide", flat.view(24, 1)[::3].t()), ("parameter", torch.nn.Parameter(base[0] * 2)),
        ("flag", torch.tensor([True, False])), ("complex", torch.tensor([1 + 2j])),
    ])


def torch_files():
    content = tensors()
    for protocol in (2, 3, 4, 5):
        torch.save(dict(content), OUT / f"views_protocol{protocol}.pt", pickle_protocol=protocol)
    readable = {k: v for k, v in content.items() if k not in ("flag", "complex")}
    write_json("views.json", {
        "floats": {k: [list(v.shape), f32_hex(v)] for k, v in readable.items() if v.is_floating_point()},
        "integers": {k: [list(v.shape), v.flatten().tolist()] for k, v in readable.items() if not v.is_floating_point()},
    })
    torch.save(dict(content), OUT / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"expanded": torch.ones(1, 3).expand(1000, 3)}, OUT / "expanded.pt")
    torch.save(torch.nn.Linear(2, 2), OUT / "module.pt")
    torch.save({"a": {"b": torch.ones(2)}, "note": "x"}, OUT / "nested.pt")


class Harm:
    def __init__(self, function, argument):
        self.call = (function, (argument,))

    def __reduce__(self):
        return self.call


def malicious_files():
    import os
    torch.save({"state_dict": {"w": torch.ones(2)}, "x": Harm(os.system, "touch pwned")}, OUT / "malicious_system.ckpt")
    torch.save({"w": torch.ones(2), "x": Harm(eval, "open('pwned', 'w')")}, OUT / "malicious_eval.pt")


def draw(items, seed, dtype):
    """Original-layout tensors for (name, names in diffusers, shape), and digests of what diffusers would hold."""
    g = torch.Generator().manual_seed(seed)
    file, expected = collections.OrderedDict(), {}
    for name, targets, shape in items:
        value = torch.randn(shape, generator=g).to(dtype)
        file[name] = value
        for target, part in zip(targets, value.chunk(len(targets)) if len(targets) > 1 else [value]):
            if ".attentions.0." in target and part.dim() == 4 and name.startswith("first_stage_model."):
                part = part[:, :, 0, 0]
            expected[target] = digest(part)
    return file, expected


def parts(*groups, dtype, seed):
    file, expected = collections.OrderedDict(), {}
    for index, (component, items) in enumerate(groups):
        tensors_, digests = draw(items, seed + index, dtype)
        file.update(tensors_)
        expected[component] = digests
    return file, expected


def single_file_v1():
    """Three resolutions, one layer each: .ckpt in half precision with a moving average and what Lightning adds."""
    unet = list(ldm_names.unet([4, 4, 8], 1, [True, True, False], 8, False))
    file, expected = parts(("unet", unet), ("vae", ldm_names.vae([4, 8], 1)), ("text_encoder", ldm_names.clip_text(11, 6, 8, 2)),
                           dtype=torch.float16, seed=100)
    averages, expected["unet_ema"] = draw(unet, 200, torch.float16)
    for name, value in averages.items():
        file["model_ema." + name[len("model."):].replace(".", "")] = value
    file["model_ema.decay"], file["model_ema.num_updates"] = torch.tensor(0.9999), torch.tensor(470000, dtype=torch.int32)
    for name in ("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_recipm1_alphas_cumprod", "posterior_mean_coef2", "logvar"):
        file[name] = torch.zeros(3)
    file["first_stage_model.loss.logvar"] = torch.zeros(())
    file["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(6)[None]
    file._metadata = collections.OrderedDict([("", {"version": 1})])

    checkpoint = fake_class("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
    attributes = fake_class("pytorch_lightning.utilities.parsing", "AttributeDict", dict)
    path = fake_class("omegaconf.listconfig", "ListConfig")()
    path.__dict__["_content"] = [1, 2, {"a": path}]
    torch.save({
        "epoch": 6, "global_step": 470000, "pytorch-lightning_version": "1.4.2", "best": None, "rate": 1e-4, "done": False,
        "state_dict": file,
        "callbacks": {checkpoint: {"best_model_score": np.float64(0.1), "raw": b"\x00\xff" * 200, "when": datetime.date(2022, 8, 1)}},
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.99)}]}],
        "lr_schedulers": [{"big": 2 ** 100, "negative": -2 ** 40, "set": {1, 2}, "frozen": frozenset((3,)), "dtype": torch.float16}],
        "hyper_parameters": attributes(first_stage_config=path, name="x"), "device": torch.device("cpu"), "size": torch.Size([1, 2]),
        "array": np.arange(3), "counter": collections.Counter("aab"), "default": collections.defaultdict(list, a=[1]),
    }, OUT / "single_v1.ckpt")
    write_json("single_v1.json", expected)


def single_file_v2():
    """Two resolutions, three text layers of which two are used: safetensors."""
    file, expected = parts(("unet", ldm_names.unet([4, 8], 2, [True, False], 8, True)), ("vae", ldm_names.vae([4, 4], 2)),
                           ("text_encoder", ldm_names.open_clip_text(11, 6, 8, 3)), dtype=torch.float32, seed=300)
    safetensors_io.save(OUT / "single_v2.safetensors", {k: v.numpy() for k, v in file.items()}, {"format": "pt"})
    write_json("single_v2.json", expected)


def write_packed(name, values):
    with gzip.GzipFile(OUT / name, "wb", mtime=0) as file:
        file.write(json.dumps(values, separators=(",", ":")).encode())


def full_size_names():
    vae = list(ldm_names.vae([128, 256, 512, 512], 2))
    families = {
        "v1": [*ldm_names.unet([320, 640, 1280, 1280], 2, ATTENDS, 768, False), *vae, *ldm_names.clip_text(49408, 77, 768, 12)],
        "v2": [*ldm_names.unet([320, 640, 1280, 1280], 2, ATTENDS, 1024, True), *vae, *ldm_names.open_clip_text(49408, 77, 1024, 24)],
    }
    write_packed("full_size_names.json.gz", families)


def golden_names():
    """Original names of the weights of the networks that make_golden.py runs, so that their outputs check single files too."""
    write_packed("golden_names.json.gz", {key: list(items) for key, items in {
        "unet_conv": ldm_names.unet([16, 24], 1, [False, True], 24, False),
        "unet_linear": ldm_names.unet([8, 8, 16], 2, [True, True, False], 20, True),
        "autoencoder": ldm_names.vae([8, 16, 24], 2),
        "text_quick_gelu": ldm_names.clip_text(40, 12, 32, 2),
        "text_gelu": ldm_names.open_clip_text(40, 12, 32, 3),
    }.items()})


def sharded():
    g = torch.Generator().manual_seed(17)
    shards = [{f"layer.{i}.weight": torch.randn(3, 2, generator=g) for i in range(first, first + 2)} for first in (0, 2)]
    names = ["shards-00001-of-00002.safetensors", "shards-00002-of-00002.bin"]
    safetensors_io.save(OUT / names[0], {k: v.numpy() for k, v in shards[0].items()}, {"format": "pt"})
    torch.save(shards[1], OUT / names[1])
    index = {"metadata": {"total_size": 96}, "weight_map": {k: names[i] for i in (0, 1) for k in shards[i]}}
    write_json("shards.safetensors.index.json", index)
    write_json("shards.json", {k: f32_hex(v) for shard in shards for k, v in shard.items()})


def adapters():
    """Adapters in four conventions of names over one set of weights; the results are computed in float64 by composing modules."""
    g = torch.Generator().manual_seed(23)
    attention = "down_blocks.0.attentions.0.transformer_blocks.0"
    shapes = {
        "unet": {f"{attention}.attn1.to_q.weight": [6, 6], f"{attention}.attn1.to_out.0.weight": [6, 6], f"{attention}.attn1.to_out.0.bias": [6],
                 f"{attention}.attn2.to_k.weight": [6, 5], f"{attention}.ff.net.0.proj.weight": [48, 6],
                 "down_blocks.0.attentions.0.proj_in.weight": [6, 6, 1, 1], "down_blocks.0.resnets.0.conv1.weight": [7, 6, 3, 3],
                 "down_blocks.0.resnets.0.time_emb_proj.weight": [7, 8], "conv_in.weight": [6, 4, 3, 3]},
        "text_encoder": {"text_model.encoder.layers.0.self_attn.q_proj.weight": [5, 5],
                         "text_model.encoder.layers.0.self_attn.out_proj.weight": [5, 5],
                         "text_model.encoder.layers.0.mlp.fc1.weight": [9, 5]},
    }
    base = {(c, n): torch.randn(s, generator=g) for c, names in shapes.items() for n, s in names.items()}
    safetensors_io.save(OUT / "lora_base.safetensors", {f"{c}.{n}": v.numpy() for (c, n), v in base.items()})

    def merge(weight, down, up, factor):
        """The kernel of x -> W x + factor * up(down(x)), found by applying it to the unit vectors."""
        kernel = weight.double() if weight.dim() == 4 else weight.double()[:, :, None, None]
        d = down.double() if down.dim() == 4 else down.double()[:, :, None, None]
        u = up.double() if up.dim() == 4 else up.double()[:, :, None, None]
        size = kernel.shape[2]
        inputs = torch.eye(kernel.shape[1] * size * size, dtype=torch.float64).view(-1, kernel.shape[1], size, size)
        conv = torch.nn.functional.conv2d
        out = conv(inputs, kernel) + factor * conv(conv(inputs, d), u)
        return out[:, :, 0, 0].t().reshape(weight.shape)

    def modules(names, rank, dtype=torch.float32):
        for component, name in names:
            weight = base[component, name]
            down = torch.randn([rank, *weight.shape[1:]], generator=g).to(dtype)
            up = torch.randn([weight.shape[0], rank] + [1] * (weight.dim() - 2), generator=g).to(dtype)
            yield component, name, weight, down, up

    results = {}

    def record(adapter, scale, merged):
        results[adapter] = {"scale": scale, "changed": sorted(f"{c}.{n}" for c, n in merged)}
        return {f"{adapter}/{c}.{n}": v.float().numpy() for (c, n), v in merged.items()}

    everything = [k for k in base if k[1].endswith(".weight")]
    expected, merged, file = {}, {}, {}
    for index, (c, n, weight, down, up) in enumerate(modules(everything, 3, torch.float16)):
        key = {"unet": "lora_unet_", "text_encoder": "lora_te_"}[c] + n[:-len(".weight")].replace(".", "_")
        file[f"{key}.lora_down.weight"], file[f"{key}.lora_up.weight"] = down.numpy(), up.numpy()
        alpha = [3.0, 1.5, None][index % 3]
        if alpha is not None:
            file[f"{key}.alpha"] = np.array(alpha, np.float32) if index % 2 else np.array(int(alpha * 2), np.int64)
            alpha = alpha if index % 2 else float(int(alpha * 2))
        merged[c, n] = merge(weight, down, up, 0.7 * (1 if alpha is None else alpha / 3))
    safetensors_io.save(OUT / "lora_kohya.safetensors", file, {"ss_network_module": "networks.lora"})
    expected.update(record("lora_kohya.safetensors", 0.7, merged))

    merged, file = {}, {}
    settings = {"unet.r": 2, "unet.lora_alpha": 4, "unet.alpha_pattern": {"attn2.to_k": 1}, "unet.use_rslora": False,
                "text_encoder.r": 4, "text_encoder.lora_alpha": 6, "text_encoder.use_rslora": True}
    for c, n, weight, down, up in modules(everything, 2):
        module = n[:-len(".weight")]
        file[f"{c}.{module}.lora_A.weight"], file[f"{c}.{module}.lora_B.weight"] = down.numpy(), up.numpy()
        factor = 6 / 2 ** 0.5 if c == "text_encoder" else 0.5 if module.endswith("attn2.to_k") else 2
        merged[c, n] = merge(weight, down, up, factor)
    safetensors_io.save(OUT / "lora_peft.safetensors", file, {"lora_adapter_metadata": json.dumps(settings)})
    expected.update(record("lora_peft.safetensors", 1, merged))

    attentions = [k for k in everything if "attn" in k[1]]
    merged, file = {}, {}
    for c, n, weight, down, up in modules(attentions, 2):
        module = n[:-len(".weight")] + (".lora" if c == "unet" else ".lora_linear_layer")
        file[f"{c}.{module}.down.weight"], file[f"{c}.{module}.up.weight"] = down.numpy(), up.numpy()
        merged[c, n] = merge(weight, down, up, -0.5)
    safetensors_io.save(OUT / "lora_diffusers.safetensors", file)
    expected.update(record("lora_diffusers.safetensors", -0.5, merged))

    merged, file = {}, {}
    for c, n, weight, down, up in modules([k for k in attentions if k[0] == "unet"], 1):
        head, projection = n[:-len(".weight")].replace(".to_out.0", ".to_out").rsplit(".", 1)
        file[f"{head}.processor.{projection}_lora.down.weight"], file[f"{head}.processor.{projection}_lora.up.weight"] = down, up
        merged[c, n] = merge(weight, down, up, 1)
    torch.save(file, OUT / "lora_processors.bin")
    expected.update(record("lora_processors.bin", 1, merged))
    safetensors_io.save(OUT / "lora_expected.safetensors", expected)
    write_json("lora_expected.json", results)


def main():
    torch.manual_seed(0)
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for make in (torch_files, malicious_files, single_file_v1, single_file_v2, full_size_names, golden_names, sharded, adapters):
        make()
    print(f"torch {torch.__version__}, numpy {np.__version__}")
    for path in sorted(OUT.iterdir()):
        print(f"{path.stat().st_size:9,d} {path.name}")


if __name__ == "__main__":
    main()
