"""Noise schedule, DDIM sampler, optimiser: closed-form PyTorch, in whatever precision it is called with."""
import math

import torch


def alphas_cumprod(steps=1000, beta_start=0.00085, beta_end=0.012):
    """[steps] float64, Stable Diffusion's "scaled_linear" schedule: beta is linear in its square root."""
    beta = torch.linspace(beta_start ** 0.5, beta_end ** 0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1.0 - beta, dim=0)


def ddim_timesteps(inference_steps, train_steps=1000, offset=1):
    """List of (t, t_prev), descending, "leading" spacing; t_prev < 0 stands for alphas_cumprod[0]."""
    ratio = train_steps // inference_steps
    return [(k * ratio + offset, (k - 1) * ratio + offset) for k in reversed(range(inference_steps))]


def add_noise(clean, noise, alpha):
    """q-sample; `alpha` = alphas_cumprod[t], broadcast over the batch."""
    alpha = alpha.view(-1, 1, 1, 1)
    return alpha.sqrt() * clean + (1 - alpha).sqrt() * noise


def training_target(clean, noise, alpha, prediction):
    alpha = alpha.view(-1, 1, 1, 1)
    if prediction == "epsilon":
        return noise
    if prediction == "v_prediction":
        return alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
    raise ValueError(f"unknown prediction type {prediction}")


def ddim_step(x, output, alpha, alpha_prev, prediction, eta=0.0, noise=None):
    """One DDIM update from alphas_cumprod `alpha` to `alpha_prev` (Python floats)."""
    if prediction == "epsilon":
        eps = output
        clean = (x - (1 - alpha) ** 0.5 * eps) / alpha ** 0.5
    elif prediction == "v_prediction":
        clean = alpha ** 0.5 * x - (1 - alpha) ** 0.5 * output
        eps = alpha ** 0.5 * output + (1 - alpha) ** 0.5 * x
    else:
        raise ValueError(f"unknown prediction type {prediction}")
    variance = eta ** 2 * (1 - alpha_prev) / (1 - alpha) * (1 - alpha / alpha_prev)
    x = alpha_prev ** 0.5 * clean + (1 - alpha_prev - variance) ** 0.5 * eps
    return x if eta == 0 else x + variance ** 0.5 * noise


def ddim_sample(unet, latent, text, empty, steps, guidance, prediction):
    """Guided DDIM with eta 0. `text` [N,L,D], `empty` [1,L,D] the embedding of the empty prompt."""
    table = alphas_cumprod()
    count = latent.shape[0]
    guided = guidance > 1
    context = torch.cat([empty.expand(count, -1, -1), text]) if guided else text
    x = latent
    for t, previous in ddim_timesteps(steps):
        times = torch.full((context.shape[0],), t)
        output = unet(torch.cat([x, x]) if guided else x, times, context)
        if guided:
            unconditional, conditional = output.chunk(2)
            output = unconditional + guidance * (conditional - unconditional)
        x = ddim_step(x, output, table[t].item(), table[max(previous, 0)].item(), prediction)
    return x


def guided_output(unet, x, t, text, empty, guidance):
    """The model's output for x at timestep t, with classifier-free guidance."""
    times = torch.full((x.shape[0],), t)
    conditional = unet(x, times, text)
    if guidance <= 1:
        return conditional
    unconditional = unet(x, times, empty.expand(x.shape[0], -1, -1))
    return unconditional + guidance * (conditional - unconditional)


def denoised(x, output, sigma, prediction):
    """The clean picture in the variables of Karras et al., where x = clean + sigma noise."""
    if prediction == "epsilon":
        return x - sigma * output
    return x / (sigma ** 2 + 1) - output * sigma / (sigma ** 2 + 1) ** 0.5


def sigmas(timesteps):
    table = alphas_cumprod()
    return [((1 - table[t].item()) / table[t].item()) ** 0.5 for t in timesteps] + [0.0]


def euler_sample(unet, latent, text, empty, steps, guidance, prediction, spacing):
    """Euler's method in sigma; "leading" spacing with offset 1, or "trailing"."""
    if spacing == "leading":
        timesteps = [k * (1000 // steps) + 1 for k in reversed(range(steps))]
    else:
        timesteps = [round(1000 - k * 1000 / steps) - 1 for k in range(steps)]
    levels = sigmas(timesteps)
    x = latent * ((levels[0] ** 2 + 1) ** 0.5 if spacing == "leading" else levels[0])
    for k, t in enumerate(timesteps):
        output = guided_output(unet, x / (levels[k] ** 2 + 1) ** 0.5, t, text, empty, guidance)
        slope = (x - denoised(x, output, levels[k], prediction)) / levels[k]
        x = x + slope * (levels[k + 1] - levels[k])
    return x


def dpm_solver_timesteps(steps, spacing):
    if spacing == "leading":
        return [k * (1000 // (steps + 1)) + 1 for k in range(steps, 0, -1)]
    if spacing == "linspace":
        return [int(t) for t in torch.linspace(0, 999, steps + 1, dtype=torch.float64).round().flip(0)[:-1]]
    return [round(1000 - k * 1000 / steps) - 1 for k in range(steps)]


def dpm_solver_sample(unet, latent, text, empty, steps, guidance, prediction, spacing):
    """DPM-Solver++(2M), midpoint, first and last update of first order, to sigma 0; with alpha = 1/sqrt(sigma^2 + 1)."""
    timesteps = dpm_solver_timesteps(steps, spacing)
    levels = sigmas(timesteps)
    alpha = [(s ** 2 + 1) ** -0.5 for s in levels]
    x, previous = latent, None
    for k, t in enumerate(timesteps):
        output = guided_output(unet, x, t, text, empty, guidance)
        clean = denoised(x / alpha[k], output, levels[k], prediction)
        if k + 1 == len(timesteps):
            return clean
        step = math.log(levels[k]) - math.log(levels[k + 1])
        direction = clean
        if previous is not None:
            direction = clean + (clean - previous) * step / (2 * (math.log(levels[k - 1]) - math.log(levels[k])))
        x = x * (levels[k + 1] * alpha[k + 1]) / (levels[k] * alpha[k]) + alpha[k + 1] * (1 - math.exp(-step)) * direction
        previous = clean
    return x


class AdamW:
    """Decoupled weight decay, bias correction, clipping of the global gradient norm at `max_norm`."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, max_norm=1.0):
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps, self.weight_decay, self.max_norm = lr, betas, eps, weight_decay, max_norm
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.count = 0

    @torch.no_grad()
    def step(self):
        """Applies the gradients, clears them and returns their norm before clipping."""
        self.count += 1
        gradients = [p.grad for p in self.parameters]
        norm = torch.sqrt(sum((g * g).sum() for g in gradients))
        scale = min(1.0, self.max_norm / (norm.item() + 1e-6))
        b1, b2 = self.betas
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second):
            g = g * scale
            m.mul_(b1).add_(g, alpha=1 - b1)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            p.mul_(1 - self.lr * self.weight_decay)
            denominator = (v / (1 - b2 ** self.count)).sqrt().add_(self.eps)
            p.addcdiv_(m / (1 - b1 ** self.count), denominator, value=-self.lr)
            p.grad = None
        return norm.item()
