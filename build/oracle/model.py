"""Independent PyTorch implementation of the text-to-image models, used only as an oracle.

`UNet2DConditionModel` and `CLIPTextModel` follow the behaviour and the parameter names of diffusers and
Hugging Face transformers, driven by the same JSON configuration; nothing here is shared with the program
under test. Layout is PyTorch's: NCHW activations, OIHW convolution weights.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def timestep_embedding(timesteps, width, dtype):
    """[N] integer timesteps -> [N, width], cosines first, frequencies 10000^(-i/(width/2))."""
    half = width // 2
    frequency = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float64, device=timesteps.device) / half)
    angle = timesteps.to(torch.float64)[:, None] * frequency[None, :]
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1).to(dtype)


class TimestepEmbedding(nn.Module):
    def __init__(self, in_width, width):
        super().__init__()
        self.linear_1 = nn.Linear(in_width, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class ResnetBlock2D(nn.Module):
    def __init__(self, in_channels, out_channels, time_width, groups, eps):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, in_channels, eps=eps)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, out_channels)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=eps)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


def explicit_attention(q, k, v):
    """[N,heads,L,d] queries, [N,heads,S,d] keys and values -> [N,heads,L,d]; writes out the weights."""
    return torch.softmax(q @ k.transpose(2, 3) * q.shape[-1] ** -0.5, dim=-1) @ v


def fused_attention(q, k, v):
    """The same by PyTorch's own kernel; it needs PyTorch 2.0."""
    return F.scaled_dot_product_attention(q, k, v)


class Attention(nn.Module):
    """Computes with `attend`, one of the functions above; `UNet2DConditionModel.use_attention` changes it."""

    def __init__(self, width, context_width, heads):
        super().__init__()
        self.heads = heads
        self.attend = explicit_attention
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width), nn.Identity()])

    def forward(self, x, context):
        def split(t):
            return t.unflatten(2, (self.heads, -1)).transpose(1, 2)
        q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
        return self.to_out[0](self.attend(q, k, v).transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class BasicTransformerBlock(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, context_width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x, text):
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer2DModel(nn.Module):
    def __init__(self, width, context_width, heads, groups, linear):
        super().__init__()
        self.linear = linear
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([BasicTransformerBlock(width, context_width, heads)])
        self.proj_out = nn.Linear(width, width) if linear else nn.Conv2d(width, width, 1)

    def forward(self, x, text):
        height, width = x.shape[2:]

        def tokens(t):
            return t.flatten(2).transpose(1, 2)

        def image(t):
            return t.transpose(1, 2).unflatten(2, (height, width))

        h = self.norm(x)
        h = self.proj_in(tokens(h)) if self.linear else tokens(self.proj_in(h))
        h = self.transformer_blocks[0](h, text)
        h = image(self.proj_out(h)) if self.linear else self.proj_out(image(h))
        return h + x


class Sampler2D(nn.Module):
    """Downsampler (stride 2) or upsampler (nearest x2 first); both own one 3x3 convolution called `conv`."""

    def __init__(self, channels, up):
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest") if self.up else x)


class Block2D(nn.Module):
    """One resolution of the down or up path: `resnets`, optionally `attentions`, optionally one resampler."""

    def __init__(self, resnet_inputs, out_channels, time_width, groups, eps, attention, resample):
        super().__init__()
        self.resnets = nn.ModuleList(
            [ResnetBlock2D(c, out_channels, time_width, groups, eps) for c in resnet_inputs])
        if attention is not None:
            self.attentions = nn.ModuleList(
                [Transformer2DModel(out_channels, *attention) for _ in resnet_inputs])
        if resample == "down":
            self.downsamplers = nn.ModuleList([Sampler2D(out_channels, up=False)])
        if resample == "up":
            self.upsamplers = nn.ModuleList([Sampler2D(out_channels, up=True)])

    def layer(self, i, x, time, text):
        x = self.resnets[i](x, time)
        return self.attentions[i](x, text) if hasattr(self, "attentions") else x


class MidBlock2D(nn.Module):
    def __init__(self, channels, time_width, groups, eps, attention):
        super().__init__()
        self.attentions = nn.ModuleList([Transformer2DModel(channels, *attention)])
        self.resnets = nn.ModuleList(
            [ResnetBlock2D(channels, channels, time_width, groups, eps) for _ in range(2)])

    def forward(self, x, time, text):
        return self.resnets[1](self.attentions[0](self.resnets[0](x, time), text), time)


class UNet2DConditionModel(nn.Module):
    """forward(sample [N,C,H,W], timesteps [N], encoder_hidden_states [N,L,D]) -> [N,out_channels,H,W]."""

    def __init__(self, config):
        super().__init__()
        self.config = dict(config)
        channels = list(config["block_out_channels"])
        layers = config["layers_per_block"]
        groups = config.get("norm_num_groups", 32)
        eps = config.get("norm_eps", 1e-5)
        context = config["cross_attention_dim"]
        linear = config.get("use_linear_projection", False)
        heads = config.get("attention_head_dim", 8)
        heads = list(heads) if isinstance(heads, (list, tuple)) else [heads] * len(channels)
        down_types, up_types = config["down_block_types"], config["up_block_types"]
        if config.get("mid_block_type", "UNetMidBlock2DCrossAttn") != "UNetMidBlock2DCrossAttn":
            raise ValueError("mid_block_type must be UNetMidBlock2DCrossAttn")
        if not len(channels) == len(heads) == len(down_types) == len(up_types):
            raise ValueError("block_out_channels, heads, down_block_types and up_block_types differ in length")
        time_width = 4 * channels[0]
        last = len(channels) - 1

        def attention(kind, plain, crossed, level):
            if kind not in (plain, crossed):
                raise ValueError(f"unknown block type {kind}")
            return (context, heads[level], groups, linear) if kind == crossed else None

        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.time_embedding = TimestepEmbedding(channels[0], time_width)
        self.down_blocks = nn.ModuleList()
        skips = [channels[0]]
        previous = channels[0]
        for level, kind in enumerate(down_types):
            width = channels[level]
            self.down_blocks.append(Block2D(
                [previous] + [width] * (layers - 1), width, time_width, groups, eps,
                attention(kind, "DownBlock2D", "CrossAttnDownBlock2D", level), "down" if level < last else None))
            skips += [width] * layers + ([width] if level < last else [])
            previous = width
        self.mid_block = MidBlock2D(previous, time_width, groups, eps, (context, heads[last], groups, linear))
        self.up_blocks = nn.ModuleList()
        for stage, kind in enumerate(up_types):
            level = last - stage
            width = channels[level]
            inputs = []
            for _ in range(layers + 1):
                inputs.append(previous + skips.pop())
                previous = width
            self.up_blocks.append(Block2D(
                inputs, width, time_width, groups, eps,
                attention(kind, "UpBlock2D", "CrossAttnUpBlock2D", level), "up" if level > 0 else None))
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps=eps)
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def use_attention(self, attend):
        for module in self.modules():
            if isinstance(module, Attention):
                module.attend = attend

    def forward(self, sample, timesteps, encoder_hidden_states):
        text = encoder_hidden_states
        time = self.time_embedding(
            timestep_embedding(timesteps, self.time_embedding.linear_1.in_features, sample.dtype))
        x = self.conv_in(sample)
        skips = [x]
        for block in self.down_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, x, time, text)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block(x, time, text)
        for block in self.up_blocks:
            for i in range(len(block.resnets)):
                x = block.layer(i, torch.cat([x, skips.pop()], dim=1), time, text)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class CLIPAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        def split(t):
            return t.unflatten(2, (self.heads, -1)).transpose(1, 2)
        q, k, v = split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x))
        scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2))


class CLIPEncoderLayer(nn.Module):
    def __init__(self, width, heads, inner, eps, activation):
        super().__init__()
        self.self_attn = CLIPAttention(width, heads)
        self.layer_norm1 = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(width, inner)
        self.mlp.fc2 = nn.Linear(inner, width)
        self.layer_norm2 = nn.LayerNorm(width, eps=eps)
        if activation not in ("gelu", "quick_gelu"):
            raise ValueError(f"unknown hidden_act {activation}")
        self.activation = F.gelu if activation == "gelu" else lambda t: t * torch.sigmoid(1.702 * t)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp.fc2(self.activation(self.mlp.fc1(self.layer_norm2(x))))


class CLIPTextModel(nn.Module):
    """forward(token ids [N,L]) -> last hidden state after the final layer norm, [N,L,hidden_size]."""

    def __init__(self, config):
        super().__init__()
        self.config = dict(config)
        width = config["hidden_size"]
        self.text_model = nn.Module()
        self.text_model.embeddings = nn.Module()
        self.text_model.embeddings.token_embedding = nn.Embedding(config["vocab_size"], width)
        self.text_model.embeddings.position_embedding = nn.Embedding(config["max_position_embeddings"], width)
        self.text_model.encoder = nn.Module()
        self.text_model.encoder.layers = nn.ModuleList([
            CLIPEncoderLayer(width, config["num_attention_heads"], config["intermediate_size"],
                             config.get("layer_norm_eps", 1e-5), config.get("hidden_act", "quick_gelu"))
            for _ in range(config["num_hidden_layers"])])
        self.text_model.final_layer_norm = nn.LayerNorm(width, eps=config.get("layer_norm_eps", 1e-5))

    def forward(self, ids):
        embeddings = self.text_model.embeddings
        x = embeddings.token_embedding(ids) + embeddings.position_embedding.weight[: ids.shape[1]]
        for layer in self.text_model.encoder.layers:
            x = layer(x)
        return self.text_model.final_layer_norm(x)


def stable_diffusion_unet_config(version):
    """The UNet configuration of Stable Diffusion "1.5" or "2.1" (768 px)."""
    second = {"1.5": False, "2.1": True}[version]
    return {
        "sample_size": 96 if second else 64, "in_channels": 4, "out_channels": 4,
        "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2,
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
        "attention_head_dim": [5, 10, 20, 20] if second else 8,
        "cross_attention_dim": 1024 if second else 768,
        "norm_num_groups": 32, "norm_eps": 1e-5, "use_linear_projection": second,
    }
