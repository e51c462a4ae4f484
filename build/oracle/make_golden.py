"""Writes the golden files of tests/golden. Run by hand: python3 build/oracle/make_golden.py

Every input and weight is rounded to float32 first; all results are then computed from these values in
float64 and rounded to float32 once, on writing.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

import safetensors_io
from autoencoder import AutoencoderKL
from model import CLIPTextModel, UNet2DConditionModel
from schedule import (AdamW, add_noise, alphas_cumprod, ddim_sample, ddim_step, ddim_timesteps, dpm_solver_sample,
                      dpm_solver_timesteps, euler_sample, training_target)

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"

UNET_CONV = {
    "sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": [16, 24], "layers_per_block": 1,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"], "mid_block_type": "UNetMidBlock2DCrossAttn",
    "attention_head_dim": 3, "cross_attention_dim": 24, "norm_num_groups": 8, "norm_eps": 1e-5,
    "use_linear_projection": False,
}
UNET_LINEAR = {
    "sample_size": 12, "in_channels": 3, "out_channels": 3, "block_out_channels": [8, 8, 16],
    "layers_per_block": 2, "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "mid_block_type": "UNetMidBlock2DCrossAttn", "attention_head_dim": [2, 2, 4], "cross_attention_dim": 20,
    "norm_num_groups": 4, "norm_eps": 1e-5, "use_linear_projection": True,
}
UNET_TRAINED = dict(UNET_CONV, block_out_channels=[8, 16], attention_head_dim=4, norm_num_groups=4,
                    cross_attention_dim=16)
TEXT = {
    "vocab_size": 40, "hidden_size": 32, "max_position_embeddings": 12, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 64, "layer_norm_eps": 1e-5,
}
VAE = {
    "in_channels": 3, "out_channels": 3, "block_out_channels": [8, 16, 24], "layers_per_block": 2,
    "latent_channels": 4, "norm_num_groups": 4, "sample_size": 16, "scaling_factor": 0.18215,
    "down_block_types": ["DownEncoderBlock2D"] * 3, "up_block_types": ["UpDecoderBlock2D"] * 3, "act_fn": "silu",
}


def rounded(tensor):
    """float32 values held in float64."""
    return tensor.to(torch.float32).to(torch.float64)


def randomise(model, generator):
    """Fan-in scaled normal weights, small biases, norm gains around 1; all exactly representable in float32."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        if p.dim() > 1:
            scale = 1.0 if "embedding.weight" in name else p[0].numel() ** -0.5
            value = noise * scale
        elif name.endswith("weight"):
            value = 1.0 + 0.25 * noise
        else:
            value = 0.1 * noise
        p.data = rounded(value)
    return model


def array(tensor):
    return tensor.detach().to(torch.float32).numpy()


def write(name, tensors, note):
    safetensors_io.save(OUT / f"{name}.safetensors", {k: array(v) for k, v in tensors.items()})
    (OUT / f"{name}.json").write_text(json.dumps(note, indent=1) + "\n")


def gradients(model, inputs):
    tensors = {}
    for name, p in model.named_parameters():
        tensors[f"weight.{name}"], tensors[f"grad.{name}"] = p, p.grad
    for name, value in inputs.items():
        tensors[f"grad_input.{name}"] = value.grad
    return tensors


def unet_case(name, config, seed, timesteps, tokens):
    g = torch.Generator().manual_seed(seed)
    unet = randomise(UNet2DConditionModel(config), g)
    count, size = len(timesteps), config["sample_size"]

    def draw(*shape):
        return rounded(torch.randn(shape, generator=g, dtype=torch.float64))
    sample = draw(count, config["in_channels"], size, size).requires_grad_()
    text = draw(count, tokens, config["cross_attention_dim"]).requires_grad_()
    target = draw(count, config["out_channels"], size, size)
    output = unet(sample, torch.tensor(timesteps), text)
    loss = F.mse_loss(output, target)
    loss.backward()
    tensors = gradients(unet, {"sample": sample, "encoder_hidden_states": text})
    tensors.update({"input.sample": sample, "input.encoder_hidden_states": text, "target": target,
                    "output": output})
    write(name, tensors, {"config": config, "timesteps": timesteps, "loss": loss.item()})


def text_case(activation, seed):
    config = dict(TEXT, hidden_act=activation)
    g = torch.Generator().manual_seed(seed)
    model = randomise(CLIPTextModel(config), g)
    ids = torch.randint(0, config["vocab_size"], (3, config["max_position_embeddings"]), generator=g)
    target = rounded(torch.randn(3, ids.shape[1], config["hidden_size"], generator=g, dtype=torch.float64))
    output = model(ids)
    loss = F.mse_loss(output, target)
    loss.backward()
    tensors = gradients(model, {})
    tensors.update({"target": target, "output": output})
    write(f"text_{activation}", tensors, {"config": config, "input_ids": ids.tolist(), "loss": loss.item()})


@torch.no_grad()
def autoencoder_case():
    g = torch.Generator().manual_seed(51)
    vae = randomise(AutoencoderKL(VAE), g)
    image = rounded(torch.rand(2, 3, 16, 24, generator=g, dtype=torch.float64) * 2 - 1)
    latent = rounded(torch.randn(2, 4, 4, 6, generator=g, dtype=torch.float64))
    tensors = {f"weight.{k}": p for k, p in vae.named_parameters()}
    tensors.update({"input.image": image, "moments": vae.encode(image), "input.latent": latent,
                    "sample": vae.decode(latent)})
    write("autoencoder", tensors, {"config": VAE})


def optimiser_case(steps=10):
    g = torch.Generator().manual_seed(31)
    unet = randomise(UNet2DConditionModel(UNET_TRAINED), g)
    settings = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 1e-2, "max_norm": 1.0}
    optimiser = AdamW(unet.parameters(), settings["lr"], settings["betas"], settings["eps"],
                      settings["weight_decay"], settings["max_norm"])
    tensors = {f"before.{k}": p.detach().clone() for k, p in unet.named_parameters()}
    table = alphas_cumprod()
    losses, norms, times = [], [], []
    for step in range(steps):
        clean = rounded(torch.rand(4, 4, 8, 8, generator=g, dtype=torch.float64) * 2 - 1)
        noise = rounded(torch.randn(4, 4, 8, 8, generator=g, dtype=torch.float64))
        text = rounded(torch.randn(4, 6, 16, generator=g, dtype=torch.float64))
        t = torch.randint(0, 1000, (4,), generator=g)
        output = unet(add_noise(clean, noise, table[t]), t, text)
        loss = F.mse_loss(output, training_target(clean, noise, table[t], "v_prediction"))
        loss.backward()
        norms.append(optimiser.step())
        losses.append(loss.item())
        times.append(t.tolist())
        tensors.update({f"step{step}.clean": clean, f"step{step}.noise": noise,
                        f"step{step}.encoder_hidden_states": text})
    tensors.update({f"after.{k}": p for k, p in unet.named_parameters()})
    write("adamw_ten_steps", tensors, {"config": UNET_TRAINED, "prediction_type": "v_prediction", **settings,
                                       "timesteps": times, "losses": losses, "gradient_norms": norms})


@torch.no_grad()
def sampling_case():
    g = torch.Generator().manual_seed(41)
    unet = randomise(UNet2DConditionModel(UNET_TRAINED), g)
    latent = rounded(torch.randn(2, 4, 8, 8, generator=g, dtype=torch.float64))
    text = rounded(torch.randn(2, 6, 16, generator=g, dtype=torch.float64))
    empty = rounded(torch.randn(1, 6, 16, generator=g, dtype=torch.float64))
    tensors = {f"weight.{k}": p for k, p in unet.named_parameters()}
    tensors.update({"latent": latent, "encoder_hidden_states": text, "empty_hidden_states": empty})
    for prediction in ("epsilon", "v_prediction"):
        tensors[f"sample.{prediction}"] = ddim_sample(unet, latent, text, empty, 5, 3.0, prediction)
        tensors[f"sample_unguided.{prediction}"] = ddim_sample(unet, latent, text, empty, 5, 1.0, prediction)
    solvers = {f"ddim20.{p}": ddim_sample(unet, latent, text, empty, 20, 7.5, p) for p in ("epsilon", "v_prediction")}
    for prediction in ("epsilon", "v_prediction"):
        for spacing in ("leading", "trailing"):
            solvers[f"euler.{spacing}.{prediction}"] = euler_sample(unet, latent, text, empty, 5, 3.0, prediction, spacing)
        for spacing in ("leading", "linspace", "trailing"):
            solvers[f"dpm_solver.{spacing}.{prediction}"] = dpm_solver_sample(
                unet, latent, text, empty, 5, 3.0, prediction, spacing)
    write("solvers", solvers, {"weights": "ddim_sample", "steps": 5, "guidance": 3.0, "dpm_solver_timesteps": {
        f"{spacing} {n}": dpm_solver_timesteps(n, spacing) for spacing in ("leading", "linspace", "trailing") for n in (5, 20, 25)}})
    table = alphas_cumprod()
    x, output, noise = (rounded(torch.randn(2, 4, 8, 8, generator=g, dtype=torch.float64)) for _ in range(3))
    tensors.update({"step.x": x, "step.output": output, "step.noise": noise})
    for prediction in ("epsilon", "v_prediction"):
        tensors[f"step.{prediction}"] = ddim_step(
            x, output, table[481].item(), table[441].item(), prediction, 0.5, noise)
        tensors[f"step_last.{prediction}"] = ddim_step(
            x, output, table[1].item(), table[0].item(), prediction)
    write("ddim_sample", tensors, {
        "config": UNET_TRAINED, "steps": 5, "guidance": 3.0, "eta": 0.0,
        "step": {"timestep": 481, "previous": 441, "eta": 0.5}, "step_last": {"timestep": 1, "previous": 0}})
    (OUT / "schedule.json").write_text(json.dumps({
        "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1,
        "alphas_cumprod": table.tolist(),
        "timesteps": {str(n): ddim_timesteps(n) for n in (50, 25, 20, 7)}}) + "\n")


def main():
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    OUT.mkdir(parents=True, exist_ok=True)
    unet_case("unet_conv", UNET_CONV, 11, [7, 981], 6)
    unet_case("unet_linear", UNET_LINEAR, 12, [0, 500, 999], 5)
    text_case("gelu", 21)
    text_case("quick_gelu", 22)
    autoencoder_case()
    optimiser_case()
    sampling_case()
    print(f"torch {torch.__version__}, numpy {np.__version__}")
    for path in sorted(OUT.iterdir()):
        print(f"{path.stat().st_size:9,d} {path.name}")


if __name__ == "__main__":
    main()
