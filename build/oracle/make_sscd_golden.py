"""Writes tests/golden/sscd*.safetensors, .json and weights/sscd.torch{vision,script}.pt. Run by hand: python3 build/oracle/make_sscd_golden.py

SSCD (Pizzi et al. 2022): a ResNet, the generalised mean of order 3, a linear layer, unit length; in float64. The network of full size and the one that
is trained a step have weights from a formula that the tests repeat; the files' are drawn.
"""
import torch
import torch.nn.functional as F
from torch import nn

from make_golden import OUT, rounded, write
from make_resnet_golden import gain, uniform
from resnet import ResNet

SIDE, BATCH, TEMPERATURE, SPREAD = 64, 2, 0.05, 10.0


class Sscd(nn.Module):
    def __init__(self, name, width, dimensions):
        super().__init__()
        self.backbone = ResNet(name, width, dimensions)

    def forward(self, x):
        r = self.backbone
        h = F.max_pool2d(torch.relu(r.bn1(r.conv1(x))), 3, 2, 1)
        for layer in (r.layer1, r.layer2, r.layer3, r.layer4):
            h = layer(h)
        h = F.avg_pool2d(h.clamp(min=1e-6).pow(3), (h.shape[2], h.shape[3])).pow(1 / 3).flatten(1)
        return F.normalize(r.fc(h))


def by_formula(model):
    """Weights as SscdGoldenTests makes them."""
    for key, value in list(model.named_parameters()) + list(model.named_buffers()):
        if key.endswith("num_batches_tracked"):
            continue
        u = torch.from_numpy(uniform(key, value.numel())).reshape(value.shape)
        if value.dim() > 1:
            u = u * (6 / value[0].numel()) ** 0.5
        elif key.endswith("running_var") or key.endswith("weight"):
            u = gain(model.backbone, key[len("backbone."):]) + 0.25 * u
        else:
            u = 0.25 * u
        value.data.copy_(rounded(u))
    return model


def pictures(name, count, side):
    return rounded(torch.from_numpy(uniform(name, count * 3 * side * side)).reshape(count, 3, side, side))


def contrastive(z, groups):
    """Pizzi et al. 2022, equations of the loss, view by view."""
    s, n, total = z @ z.T, len(groups), 0
    for i in range(n):
        others = [k for k in range(n) if groups[k] != groups[i]]
        negatives = torch.exp(s[i, others] / TEMPERATURE).sum() + 1e-6
        for j in range(n):
            if j != i and groups[j] == groups[i]:
                e = torch.exp(s[i, j] / TEMPERATURE)
                total = total - torch.log(e / (e + negatives))
        total = total - SPREAD * torch.log(torch.sqrt((2 - 2 * s[i, others].max()).clamp(min=1e-6)))
    return total / n


def full():
    model = by_formula(Sscd("resnet50", 64, 512)).eval()
    with torch.no_grad():
        return {"full": model(pictures("x", BATCH, SIDE))}


def step():
    model = by_formula(Sscd("resnet18", 4, 6)).train()
    x = pictures("x", 8, SIDE)
    z = model(x)
    groups = [0, 0, 1, 1, 2, 2, 2, 3]
    loss = contrastive(z, groups)
    loss.backward()
    named = dict(model.named_parameters())
    keys = ["backbone.conv1.weight", "backbone.layer4.1.conv2.weight", "backbone.layer4.1.bn2.bias", "backbone.fc.weight", "backbone.fc.bias"]
    return {"step.z": z, **{f"step.grad.{k}": named[k].grad for k in keys}}, {"groups": groups, "loss": loss.item()}


def files():
    generator = torch.Generator().manual_seed(73)
    model = by_formula(Sscd("resnet18", 2, 5)).eval()
    for p in model.parameters():
        p.data.copy_(rounded(p + 0.05 * torch.randn(p.shape, generator=generator, dtype=torch.float64)))
    x = pictures("x", BATCH, SIDE)
    with torch.no_grad():
        expected = model(x)
    model.float()
    torch.save(model.state_dict(), OUT / "weights" / "sscd.torchvision.pt")
    with torch.no_grad():
        torch.jit.trace(model, x.float()).save(str(OUT / "weights" / "sscd.torchscript.pt"))
    return {"files": expected}


def main():
    torch.set_default_dtype(torch.float64)
    stepped, note = step()
    write("sscd", {**full(), **stepped, **files()}, note)
    print(f"torch {torch.__version__}")


if __name__ == "__main__":
    main()
