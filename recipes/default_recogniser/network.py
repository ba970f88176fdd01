"""EfficientNet-Lite0 as a trainable network, read from its ONNX file and written back into it."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pomona.errors import TrainingError

__all__ = [
    "N_FEATURES",
    "Lite0",
    "average_networks",
    "load_network",
    "normalise",
    "read_answers",
    "read_linear",
    "restore_network",
    "save_network",
    "write_weights",
]

N_FEATURES: Final = 1280
# Kernel and stride of the 16 blocks.
BLOCKS: Final = (
    (3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1),
    (5, 1), (5, 1), (5, 1), (5, 2), (5, 1), (5, 1), (5, 1), (3, 1),
)  # fmt: skip
# As in the network's first training.
BN_EPS: Final = 1e-3
# Of the running means: a few hundred steps have to be enough.
BN_MOMENTUM: Final = 0.02


class _Conv(nn.Module):
    """A convolution, and behind it a batch normalisation while it is trained."""

    def __init__(self, weight: NDArray[Any], bias: NDArray[Any], *, stride: int = 1) -> None:
        super().__init__()
        n_out, per_group, kernel, _ = weight.shape
        # One channel a group: the depthwise convolutions.
        groups = n_out if per_group == 1 else 1
        self.conv = nn.Conv2d(per_group * groups, n_out, kernel, stride, groups=groups)
        self.conv.weight.data = torch.tensor(weight)
        self.conv.bias.data = torch.tensor(bias)
        self.bn: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if kernel > 1:
            # TensorFlow's "same": the odd pixel goes right and below.
            total = kernel - stride
            first = total // 2
            x = functional.pad(x, (first, total - first, first, total - first))
        if self.is_depthwise and stride > 1 and x.device.type == "cpu":
            # In 16 bits its gradient takes a hundred times as long on a processor.
            with torch.autocast("cpu", enabled=False):
                return self.bn(self.conv(x.float()))
        return self.bn(self.conv(x))

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel has a filter of its own."""
        return self.conv.groups > 1

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias with the batch normalisation inside."""
        assert self.conv.bias is not None
        if not isinstance(self.bn, nn.BatchNorm2d):
            return self.conv.weight, self.conv.bias
        assert self.bn.running_var is not None
        assert self.bn.running_mean is not None
        factor = self.bn.weight / torch.sqrt(self.bn.running_var + self.bn.eps)
        bias = (self.conv.bias - self.bn.running_mean) * factor + self.bn.bias
        return self.conv.weight * factor[:, None, None, None], bias


class _Block(nn.Module):
    """Inverted residual without squeeze and excitation."""

    def __init__(self, expand: _Conv | None, depthwise: _Conv, project: _Conv) -> None:
        super().__init__()
        self.expand, self.depthwise, self.project = expand, depthwise, project
        n_in = (expand or depthwise).conv.in_channels
        self.skip = depthwise.conv.stride[0] == 1 and n_in == project.conv.out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(y)))
        return x + y if self.skip else y


class Lite0(nn.Module):
    """Pooled features, and a linear layer on them.

    Parameters
    ----------
    convolutions : list of (weight, bias)
        In the order of the network.
    n_outputs : int
    dropout : float
        Share of the features that a training step does not see.
    """

    def __init__(
        self,
        convolutions: list[tuple[NDArray[Any], NDArray[Any]]],
        *,
        n_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        left = iter(convolutions)
        self.stem = _Conv(*next(left), stride=2)
        blocks = []
        for i, (_, stride) in enumerate(BLOCKS):
            # The first block does not widen its input.
            expand = None if i == 0 else _Conv(*next(left))
            blocks.append(_Block(expand, _Conv(*next(left), stride=stride), _Conv(*next(left))))
        self.blocks = nn.ModuleList(blocks)
        self.head = _Conv(*next(left))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(N_FEATURES, n_outputs)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def features(self, x: Tensor) -> Tensor:
        """Return (n, 1280) from normalised pixels (n, 3, height, width)."""
        x = functional.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.head(x)).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.features(x)))

    def convolutions(self) -> list[_Conv]:
        """Return all convolutions in the order of the network."""
        return [module for module in self.modules() if isinstance(module, _Conv)]

    def freeze(self, n_blocks: int, *, filters: bool = False) -> None:
        """Keep the stem and the first blocks as they are: edges and colours are the same here.

        With ``filters`` those of all depthwise convolutions too; what follows them still learns.
        Their gradients are most of a step on a processor.
        """
        for part in [self.stem, *list(self.blocks)[:n_blocks]]:
            part.requires_grad_(False)
        if filters:
            for each in self.convolutions():
                each.conv.requires_grad_(each.conv.weight.requires_grad and not each.is_depthwise)

    def learn(self) -> None:
        """Go into training; what is frozen keeps its statistics."""
        self.train()
        for part in [self.stem, *self.blocks]:
            if not any(each.requires_grad for each in part.parameters()):
                part.eval()

    @torch.no_grad()
    def add_normalisation(self, x: Tensor) -> None:
        """Put batch normalisation behind what is trained; for pictures like ``x`` nothing changes.

        The file holds it folded into the weights, and without it large steps diverge. What has one
        already keeps it.
        """
        sums: dict[_Conv, tuple[Tensor, Tensor]] = {}

        def remember(module: _Conv) -> Any:
            def hook(_: nn.Module, __: Any, y: Tensor) -> None:
                sums[module] = (y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False))

            return module.conv.register_forward_hook(hook)

        trained = [
            each
            for each in self.convolutions()
            if each.conv.weight.requires_grad and isinstance(each.bn, nn.Identity)
        ]
        hooks = [remember(each) for each in trained]
        self.features(x)
        for hook in hooks:
            hook.remove()
        for each in trained:
            mean, variance = sums[each]
            bn = nn.BatchNorm2d(len(mean), eps=BN_EPS, momentum=BN_MOMENTUM)
            assert bn.running_mean is not None
            assert bn.running_var is not None
            bn.running_mean.copy_(mean)
            bn.running_var.copy_(variance)
            bn.weight.copy_(torch.sqrt(variance + BN_EPS))
            bn.bias.copy_(mean)
            each.bn = bn


def normalise(pixels: Tensor) -> Tensor:
    """Return what the backbone takes from pixels (n, 3, height, width), 0 to 255."""
    return ((pixels.float() - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)


def read_linear(network: Lite0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (n_outputs, 1280) and bias (n_outputs,) of the last layer."""
    layer = network.linear
    return (
        layer.weight.detach().numpy().astype(np.float64),
        layer.bias.detach().numpy().astype(np.float64),
    )


def load_network(path: Path, *, n_outputs: int, dropout: float) -> Lite0:
    """Read the shipped backbone.

    Raises
    ------
    TrainingError
        If the file holds another network.
    """
    convolutions = [pair for _, pair in _read_convolutions(_load(path))]
    if len(convolutions) != 1 + 3 * len(BLOCKS):
        raise TrainingError(
            f"The network '{path}' has '{len(convolutions)}' convolutions. Fine-tuning knows "
            "EfficientNet-Lite0 only, which has 49. Give that file."
        )
    return Lite0(convolutions, n_outputs=n_outputs, dropout=dropout)


def save_network(network: Lite0, path: Path, **about: NDArray[Any]) -> None:
    """Write all weights of a fine-tuned network and what is said of it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    arrays = {name: each.cpu().numpy() for name, each in network.state_dict().items()}
    arrays |= {f"__{name}__": value for name, value in about.items()}
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)
    unfinished.rename(path)


@torch.no_grad()
def restore_network(network: Lite0, path: Path, names: Sequence[str]) -> Lite0:
    """Give a network of :func:`load_network` the weights that :func:`save_network` wrote.

    Parameters
    ----------
    network : Lite0
    path : Path
        Arrays of the network, and ``__names__`` of its outputs.
    names : sequence of str
        Of the outputs here: those the file has take over their rows, the others stay as they are.
    """
    with np.load(path, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays if name[:2] != "__"}
        where = {str(name): i for i, name in enumerate(arrays["__names__"])}
    for part, own in (("weight", network.linear.weight), ("bias", network.linear.bias)):
        rows = own.detach().clone()
        for i, name in enumerate(names):
            if name in where:
                rows[i] = state[f"linear.{part}"][where[name]]
        state[f"linear.{part}"] = rows
    for name, module in list(network.named_modules()):
        if isinstance(module, _Conv) and f"{name}.bn.weight" in state:
            module.bn = nn.BatchNorm2d(
                len(state[f"{name}.bn.weight"]), eps=BN_EPS, momentum=BN_MOMENTUM
            )
    network.load_state_dict(state)
    return network.eval()


def read_answers(path: Path) -> nn.Linear:
    """Return the last layer of the shipped backbone: its answers to ImageNet's 1,000 classes."""
    import onnx

    model = _load(path)
    node = [each for each in model.graph.node if each.op_type == "Gemm"][-1]
    arrays = {
        each.name: np.array(onnx.numpy_helper.to_array(each)) for each in model.graph.initializer
    }
    weight, bias = (torch.from_numpy(arrays[name]) for name in node.input[1:3])
    if len(weight) != len(bias):
        weight = weight.T
    layer = nn.Linear(weight.shape[1], len(bias))
    layer.weight.data.copy_(weight)
    layer.bias.data.copy_(bias)
    return layer


@torch.no_grad()
def average_networks(networks: Sequence[Lite0]) -> Lite0:
    """Return one network with the mean of the weights of several that began as the same one.

    References
    ----------
    Wortsman et al., Model soups: averaging weights of multiple fine-tuned models improves accuracy
    without increasing inference time, 2022.
    """
    average = copy.deepcopy(networks[0])
    states = [network.state_dict() for network in networks]
    for name, mean in average.state_dict().items():
        if mean.dtype.is_floating_point:
            mean.copy_(torch.stack([state[name] for state in states]).mean(0))
    return average


@torch.no_grad()
def write_weights(network: Lite0, *, source: Path, target: Path) -> None:
    """Write a copy of the ONNX file ``source`` with the network's weights in it."""
    import onnx

    model = _load(source)
    constants = {each.name: each for each in model.graph.initializer}
    for (names, _), conv in zip(_read_convolutions(model), network.convolutions(), strict=True):
        for name, values in zip(names, conv.folded(), strict=True):
            array = values.detach().contiguous().numpy()
            constants[name].CopyFrom(onnx.numpy_helper.from_array(array, name))
    onnx.save(model, target)


def _load(path: Path) -> Any:
    import onnx
    import onnx.numpy_helper

    return onnx.load(path)


def _read_convolutions(
    model: Any,
) -> list[tuple[tuple[str, str], tuple[NDArray[Any], NDArray[Any]]]]:
    import onnx

    arrays = {
        each.name: np.array(onnx.numpy_helper.to_array(each)) for each in model.graph.initializer
    }
    names = [(node.input[1], node.input[2]) for node in model.graph.node if node.op_type == "Conv"]
    return [(pair, (arrays[pair[0]], arrays[pair[1]])) for pair in names]
