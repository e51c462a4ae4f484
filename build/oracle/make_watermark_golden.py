"""Writes tests/golden/watermark*.safetensors and .json. Run by hand: python3 build/oracle/make_watermark_golden.py

The two networks at a reduced size with the loss and all gradients, in float64; SSIM as scikit-image computes it (scipy.ndimage.uniform_filter, borders
cut); JPEG's losses by scipy.fft.dctn block by block; binomial tails by scipy.stats and the law of matches over all messages by polynomials.
"""
import json
import math

import numpy as np
import scipy
import scipy.fft
import scipy.stats
import torch
import torch.nn.functional as F
from scipy.ndimage import uniform_filter
from torch import nn

from make_golden import OUT, rounded, write

SIZE, WIDTH, DECODER, GROUPS, BITS, BATCH, AMPLITUDE = 16, 8, (8, 12), 4, 32, 3, 0.1
LUMA = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]
CHROMA = [17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99] + [99] * 32


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(GROUPS, outputs, eps=1e-5)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture = nn.Sequential(Block(3, WIDTH), Block(WIDTH, WIDTH), Block(WIDTH, WIDTH))
        self.joined, self.out = Block(WIDTH + BITS, WIDTH), nn.Conv2d(WIDTH, 3, 3, 1, 1)

    def forward(self, x, message):
        return torch.tanh(self.out(self.joined(torch.cat([self.picture(2 * x - 1), message], 1))))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*(Block(i, o, 2) for i, o in zip((3,) + DECODER, DECODER)))
        self.bits = nn.Linear(DECODER[-1], BITS)

    def forward(self, x):
        return self.bits(self.blocks(2 * x - 1).mean((2, 3)))


class Watermark(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()


def patterns():
    """Bit k as the inverse DCT of one coefficient, scaled to mean square 1."""
    order = sorted((u * u + v * v, u, v) for u in range(8) for v in range(8) if u + v)[:BITS]
    result = np.zeros((BITS, SIZE, SIZE))
    for k, (_, u, v) in enumerate(order):
        coefficient = np.zeros((SIZE, SIZE))
        coefficient[u, v] = SIZE
        result[k] = scipy.fft.idctn(coefficient, norm="ortho")
    return torch.from_numpy(result)


def ssim(a, b):
    """scikit-image's structural_similarity(win_size=7, use_sample_covariance=False, data_range=1), one channel."""
    def mean(x):
        return uniform_filter(x, size=7)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    s = ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return s[3:-3, 3:-3].mean()


def torch_ssim(a, b):
    def mean(x):
        return F.avg_pool2d(x, 7, 1)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    return (((2 * ma * mb + 1e-4) * (2 * cov + 9e-4)) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))).mean()


def jpeg(x, quality):
    """[3,H,W] in [0,1] through the losses of JPEG 4:2:0, not rounded to bytes at the end."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    r, g, b = 255 * x
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = [(y - 128, LUMA), ((b - y) / 1.772, CHROMA), ((r - y) / 1.402, CHROMA)]
    coded = []
    for i, (plane, table) in enumerate(planes):
        steps = np.clip((np.array(table).reshape(8, 8) * scale + 50) // 100, 1, 255)
        if i:
            plane = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean((1, 3))
        back = np.empty_like(plane)
        for top in range(0, plane.shape[0], 8):
            for left in range(0, plane.shape[1], 8):
                c = scipy.fft.dctn(plane[top:top + 8, left:left + 8], norm="ortho")
                back[top:top + 8, left:left + 8] = scipy.fft.idctn(np.rint(c / steps) * steps, norm="ortho")
        coded.append(back.repeat(2, 0).repeat(2, 1) if i else back + 128)
    y, cb, cr = coded
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([red, green, blue]) / 255, 0, 1)


def networks():
    generator = torch.Generator().manual_seed(81)
    model = Watermark()
    for name, p in model.named_parameters():
        draw = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        value = draw / math.sqrt(p[0].numel()) if p.dim() > 1 else (1 + 0.2 * draw if name.endswith("norm.weight") else 0.2 * draw)
        p.data.copy_(rounded(value))
    x = rounded(torch.rand(BATCH, 3, SIZE, SIZE, generator=generator, dtype=torch.float64))
    bits = torch.randint(2, (BATCH, BITS), generator=generator).to(torch.float64)
    message = (2 * bits - 1)[:, :, None, None] * patterns()
    marked = (x + AMPLITUDE * model.encoder(x, message)).clamp(0, 1)
    logits = model.decoder(marked)
    similarity = torch_ssim(marked, x)
    oracle = np.mean([ssim(a, b) for p, q in zip(marked.detach().numpy(), x.numpy()) for a, b in zip(p, q)])
    assert abs(similarity.item() - oracle) < 1e-12
    loss = F.binary_cross_entropy_with_logits(logits, bits) + F.mse_loss(marked, x) + 0.1 * (1 - similarity)
    loss.backward()
    tensors = {"x": x, "bits": bits, "patterns": patterns(), "marked": marked, "logits": logits}
    for name, p in model.named_parameters():
        tensors[f"weight.{name}"], tensors[f"grad.{name}"] = p, p.grad
    write("watermark", tensors, {
        "size": SIZE, "width": WIDTH, "decoder": list(DECODER), "groups": GROUPS, "amplitude": AMPLITUDE, "loss": loss.item(), "ssim": oracle,
    })


def coded():
    rng = np.random.default_rng(82)
    smooth = uniform_filter(rng.random((3, 3, 32, 32)), size=(1, 1, 5, 5))
    x = rounded(torch.from_numpy(np.clip(0.5 + 3 * (smooth - 0.5) + 0.1 * rng.standard_normal(smooth.shape), 0, 1)))
    qualities = [30, 50, 95]
    y = np.stack([jpeg(p, q) for p, q in zip(x.numpy(), qualities)])
    write("watermark_jpeg", {"x": x, "y": torch.from_numpy(y)}, {"qualities": qualities})


def log10_tail(k, n):
    """By counting in integers: scipy's logsf underflows far out."""
    term, total = math.comb(n, k), 0
    for j in range(k, n + 1):
        total += term
        term = term * (n - j) // (j + 1)
    return math.log10(total) - n * math.log10(2)


def tails():
    cases = [(25, 32), (26, 32), (28, 32), (0, 32), (32, 32), (500, 960), (600, 960), (530, 960), (1800, 3200), (20000, 32000)]
    binomial = [{"heads": k, "coins": n, "p": float(scipy.stats.binom.sf(k - 1, n, 0.5)), "log10": log10_tail(k, n)}
                for k, n in cases]
    rng = np.random.default_rng(83)
    keys = []
    for count, agree in ((1, 0.5), (2, 0.6), (7, 0.6), (30, 0.55), (30, 0.8)):
        key = rng.integers(2, size=BITS)
        read = np.where(rng.random((count, BITS)) < agree, key, rng.integers(2, size=(count, BITS)))
        ones = read.sum(0)
        law = [1]
        for k in ones:  # polynomial whose coefficient t counts the messages with t matches
            factor = [0] * (count + 1)
            factor[k] += 1
            factor[count - k] += 1
            law = [sum(law[i] * factor[t - i] for i in range(max(0, t - count), min(t, len(law) - 1) + 1)) for t in range(len(law) + count)]
        assert sum(law) == 2**BITS
        total = int((read == key).sum())
        def digits(bits):
            return f"{int(''.join(map(str, bits)), 2):08x}"
        keys.append({"message": digits(key), "read": [digits(r) for r in read], "favourable": sum(law[total:])})
    (OUT / "watermark_tails.json").write_text(json.dumps({"scipy": scipy.__version__, "binomial": binomial, "keys": keys}, indent=1) + "\n")


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    networks()
    coded()
    tails()
    print(f"torch {torch.__version__}, scipy {scipy.__version__}")


if __name__ == "__main__":
    main()
