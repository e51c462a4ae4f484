"""Writes tests/golden/resnet*.safetensors and .json and weights/resnet*.pth. Run by hand: python3 build/oracle/make_resnet_golden.py

Reduced networks: state dicts as torch.save leaves them, and what a step in training and one in evaluation give, computed in float64. Full-size
networks: weights from a formula that the tests repeat, and the outputs alone.
"""
import numpy as np
import torch
import torch.nn.functional as F

from make_golden import OUT, rounded, write
from resnet import ResNet

WIDTH, CLASSES, SIDE, BATCH = 4, 5, 64, 4


def gain(model, name):
    """Mean of a norm's weight: small at the end of a residual branch, or what evaluation gives would grow from block to block."""
    return 0.25 if name.startswith("layer") and name.endswith(f"bn{model.layer1[0].depth}.weight") else 1


def randomise(model, generator):
    def draw(tensor):
        return torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    for name, p in model.named_parameters():
        value = draw(p) * (2 / p[0].numel()) ** 0.5 if p.dim() > 1 else (gain(model, name) if name.endswith("weight") else 0) + 0.2 * draw(p)
        p.data.copy_(rounded(value))
    for name, b in model.named_buffers():
        if name.endswith("running_mean"):
            b.copy_(rounded(0.2 * draw(b)))
        elif name.endswith("running_var"):
            b.copy_(rounded(torch.exp(0.3 * draw(b))))
        else:
            b.fill_(3)


def reduced(name, seed):
    generator = torch.Generator().manual_seed(seed)
    model = ResNet(name, WIDTH, CLASSES)
    randomise(model, generator)
    state = {k: v.to(torch.float32) if v.is_floating_point() else v for k, v in model.state_dict().items()}
    torch.save(state, OUT / "weights" / f"{name}.pth")
    x = rounded(torch.randn(BATCH, 3, SIDE, SIDE, generator=generator, dtype=torch.float64))
    labels = torch.randint(CLASSES, (BATCH,), generator=generator)
    tensors, note = {"x": x}, {"width": WIDTH, "classes": CLASSES, "labels": labels.tolist()}
    for mode in ("eval", "train"):  # evaluation first: training moves the buffers
        model.train(mode == "train").zero_grad()
        leaf = x.clone().requires_grad_()
        features = model.features(leaf)
        output = model.fc(features)
        loss = F.cross_entropy(output, labels)
        loss.backward()
        note[f"{mode}.loss"] = loss.item()
        tensors.update({f"{mode}.features": features, f"{mode}.output": output, f"{mode}.dx": leaf.grad})
        tensors.update({f"{mode}.grad.{k}": p.grad.clone() for k, p in model.named_parameters()})
    tensors.update({f"after.{k}": b.to(torch.float64) for k, b in model.named_buffers()})
    write(name, tensors, note)


def uniform(name, count):
    """Numbers in [-1, 1) from a hash of name (FNV-1a) and index; ResNetGoldenTests has the same."""
    start = 2166136261
    for byte in name.encode():
        start = (start ^ byte) * 16777619 & 0xffffffff
    h = (np.arange(count, dtype=np.uint64) * 2654435761 + start) & 0xffffffff
    for _ in range(2):
        h = ((h ^ (h >> 16)) * 0x45d9f3b) & 0xffffffff
    h ^= h >> 16
    return h.astype(np.float64) / 2**31 - 1


def full(name):
    model = ResNet(name)
    for key, value in list(model.named_parameters()) + list(model.named_buffers()):
        if key.endswith("num_batches_tracked"):
            continue
        u = torch.from_numpy(uniform(key, value.numel())).reshape(value.shape)
        if value.dim() > 1:
            u = u * (6 / value[0].numel()) ** 0.5
        elif key.endswith("running_var") or key.endswith("weight"):
            u = gain(model, key) + 0.25 * u
        else:
            u = 0.25 * u
        value.data.copy_(rounded(u))
    x = rounded(torch.from_numpy(uniform("x", 3 * 224 * 224)).reshape(1, 3, 224, 224))
    with torch.no_grad():
        features = model.eval().features(x)
        return {f"{name}.features": features, f"{name}.output": model.fc(features)}


def main():
    torch.set_default_dtype(torch.float64)
    reduced("resnet18", 71)
    reduced("resnet50", 72)
    write("resnet_full", {**full("resnet18"), **full("resnet50")}, {})
    print(f"torch {torch.__version__}")


if __name__ == "__main__":
    main()
