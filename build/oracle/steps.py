"""One training step and one guided sampling step of a UNet, as functions to call repeatedly when they are timed."""
import contextlib

import torch
import torch.nn.functional as F

from schedule import add_noise, alphas_cumprod, ddim_step, ddim_timesteps, training_target


def training_step(unet, optimiser, text, batch, *, layout, prediction, ema=0.0, autocast=contextlib.nullcontext):
    """The trainer's step: q-sample, forward (under `autocast()`), mean-squared error, backward, clipping, update, EMA.

    `text()` gives the embeddings [batch,L,D]; what `optimiser` holds is trained. The step returns the UNet's output
    [batch,C,H,W] and the gradient norm before clipping.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    average = [p.detach().clone() for p in parameters] if ema else None
    config, device = unet.config, parameters[0].device
    table = alphas_cumprod().float().to(device)
    shape = (batch, config["in_channels"], config["sample_size"], config["sample_size"])
    clean = torch.rand(shape, device=device).mul_(2).sub_(1).contiguous(memory_format=layout)

    def step():
        t = torch.randint(0, 1000, (batch,), device=device)
        noise = torch.randn(shape, device=device).contiguous(memory_format=layout)
        noised = add_noise(clean, noise, table[t])
        with autocast():
            output = unet(noised, t, text())
        output = output.float()
        F.mse_loss(output, training_target(clean, noise, table[t], prediction)).backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if average:
            torch._foreach_mul_(average, ema)
            torch._foreach_add_(average, [p.detach() for p in parameters], alpha=1 - ema)
        return output.detach(), norm
    return step


def sampling_step(unet, batch, length, *, layout, guidance, prediction):
    """One DDIM step of `batch` latents, kept in float32; the UNet computes in its weights' type.

    The step returns the UNet's output [rows,C,H,W], unguided rows first, and the next latent [batch,C,H,W].
    """
    config, table = unet.config, alphas_cumprod()
    weight = next(unet.parameters())
    t, previous = ddim_timesteps(20)[10]
    guided = guidance > 1
    shape = (batch, config["in_channels"], config["sample_size"], config["sample_size"])
    latent = torch.randn(shape, device=weight.device).contiguous(memory_format=layout)
    rows = batch * (2 if guided else 1)
    text = torch.randn(rows, length, config["cross_attention_dim"], device=weight.device).to(weight.dtype)

    @torch.no_grad()
    def step():
        sample = latent.to(weight.dtype)
        output = unet(torch.cat([sample, sample]) if guided else sample, torch.full((rows,), t, device=weight.device), text).float()
        followed = output
        if guided:
            unconditional, conditional = output.chunk(2)
            followed = unconditional + guidance * (conditional - unconditional)
        return output, ddim_step(latent, followed, table[t].item(), table[previous].item(), prediction)
    return step
