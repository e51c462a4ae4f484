"""Noise schedule, DDIM sampler, optimiser: closed-form PyTorch, in whatever precision it is called with."""
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
