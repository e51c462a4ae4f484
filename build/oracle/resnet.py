"""ResNet-18 and -50 (He et al. 2016; the stride of a bottleneck on its 3x3 convolution, "v1.5") under torchvision's names."""
import torch
from torch import nn

BLOCKS = {"resnet18": ((2, 2, 2, 2), False), "resnet50": ((3, 4, 6, 3), True)}


class Block(nn.Module):
    def __init__(self, inputs, planes, stride, bottleneck):
        super().__init__()
        outputs = planes * 4 if bottleneck else planes
        if bottleneck:
            shapes = [(inputs, planes, 1, 1), (planes, planes, 3, stride), (planes, outputs, 1, 1)]
        else:
            shapes = [(inputs, planes, 3, stride), (planes, planes, 3, 1)]
        self.depth = len(shapes)
        for i, (a, b, kernel, s) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, s, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        h = x
        for i in range(1, self.depth + 1):
            h = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(h))
            if i < self.depth:
                h = torch.relu(h)
        return torch.relu(h + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, name, width=64, classes=1000):
        super().__init__()
        counts, bottleneck = BLOCKS[name]
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for i, count in enumerate(counts):
            planes = width << i
            layer = nn.Sequential()
            for k in range(count):
                layer.add_module(str(k), Block(inputs, planes, 2 if i > 0 and k == 0 else 1, bottleneck))
                inputs = planes * 4 if bottleneck else planes
            setattr(self, f"layer{i + 1}", layer)
        self.fc = nn.Linear(inputs, classes)

    def features(self, x):
        h = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for i in range(1, 5):
            h = getattr(self, f"layer{i}")(h)
        return h.mean((2, 3))

    def forward(self, x):
        return self.fc(self.features(x))
