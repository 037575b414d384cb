"""What a mix transformer is made of (Xie et al. 2021, arXiv:2105.15203, §3.1).

Tokens are [B, N, C], row by row over a map of ``size`` rows and columns. Seen as a map they keep their place in memory,
which is the one ``torch.channels_last`` asks of it, so nothing is copied on the way to a convolution and back.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_EXPANSION = 4
# The authors' two settings: blocks and stages end in layers built with the first, the others have PyTorch's default.
_BLOCK_EPS = 1e-6
_DEFAULT_EPS = 1e-5

Tokens = Float[Tensor, "batch tokens channels"]
Map = Float[Tensor, "batch channels rows columns"]
FinerMap = Float[Tensor, "batch finer_channels finer_rows finer_columns"]


class OverlapEmbedding(nn.Module):
    """Patches that overlap, one token each.

    Args:
        in_channels: of the map it cuts up.
        channels: of a token.
        patch: pixels a side, odd.
        stride: from one patch to the next.
    """

    def __init__(self, in_channels: int, channels: int, patch: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, patch, stride, padding=patch // 2)
        self.norm = nn.LayerNorm(channels, eps=_DEFAULT_EPS)

    def forward(self, finer: FinerMap) -> tuple[Tokens, tuple[int, int]]:
        """Tokens, and the rows and columns of their map."""
        embedded = self.conv(finer)
        return self.norm(map_to_tokens(embedded)), (embedded.shape[2], embedded.shape[3])


class EfficientAttention(nn.Module):
    """Self-attention whose keys and values come from a coarser map.

    Args:
        channels: of a token.
        heads: that share them.
        reduction: cells a side that become one key and one value; 1 for ordinary attention. It is the square root of
            the paper's R, which counts tokens.
    """

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.output = nn.Linear(channels, channels)
        self.reduce: nn.Conv2d | None = None
        self.norm: nn.LayerNorm | None = None
        if reduction > 1:
            self.reduce = nn.Conv2d(channels, channels, reduction, stride=reduction)
            self.norm = nn.LayerNorm(channels, eps=_DEFAULT_EPS)

    def forward(self, tokens: Tokens, size: tuple[int, int]) -> Tokens:
        """What each token takes from all others; both sides of the map are multiples of the reduction."""
        source = tokens
        if self.reduce is not None and self.norm is not None:
            source = self.norm(map_to_tokens(self.reduce(tokens_to_map(tokens, size))))
        attended = functional.scaled_dot_product_attention(
            self._by_head(self.query(tokens)), self._by_head(self.key(source)), self._by_head(self.value(source))
        )
        result: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return result

    def _by_head(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class MixFFN(nn.Module):
    """A multi-layer perceptron with a 3×3 convolution inside, whose zero padding tells tokens where they are.

    Args:
        channels: of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = _EXPANSION * channels
        self.expand = nn.Linear(channels, hidden)
        self.conv = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden)
        self.contract = nn.Linear(hidden, channels)

    def forward(self, tokens: Tokens, size: tuple[int, int]) -> Tokens:
        """Tokens that have looked at their eight neighbors."""
        hidden = self.conv(tokens_to_map(self.expand(tokens), size))
        mixed: Tensor = self.contract(functional.gelu(map_to_tokens(hidden)))
        return mixed


class Block(nn.Module):
    """Attention and perceptron, each normalised before and added to its input.

    Args:
        channels: of a token.
        heads: see :class:`EfficientAttention`.
        reduction: see :class:`EfficientAttention`.
        drop_path: probability with which training leaves a branch out for one image (Huang et al. 2016,
            arXiv:1603.09382, "stochastic depth").
    """

    def __init__(self, channels: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=_BLOCK_EPS)
        self.attention = EfficientAttention(channels, heads, reduction)
        self.norm2 = nn.LayerNorm(channels, eps=_BLOCK_EPS)
        self.ffn = MixFFN(channels)
        self.drop_path = drop_path

    def forward(self, tokens: Tokens, size: tuple[int, int]) -> Tokens:
        """Tokens at the same places."""
        tokens = tokens + self._sometimes(self.attention(self.norm1(tokens), size))
        return tokens + self._sometimes(self.ffn(self.norm2(tokens), size))

    def _sometimes(self, branch: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return branch
        kept = branch.new_empty(len(branch), 1, 1).bernoulli_(1 - self.drop_path)
        return branch * kept / (1 - self.drop_path)


class Stage(nn.Module):
    """One resolution: an embedding, its blocks, a normalisation.

    Args:
        embedding: from the finer map to tokens.
        blocks: that they pass.
        channels: of a token.
    """

    def __init__(self, embedding: OverlapEmbedding, blocks: list[Block], channels: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(channels, eps=_BLOCK_EPS)

    def forward(self, finer: FinerMap) -> Map:
        """The features of this resolution, from those of the finer one."""
        tokens, size = self.embedding(finer)
        for block in self.blocks:
            tokens = block(tokens, size)
        return tokens_to_map(self.norm(tokens), size)


def tokens_to_map(tokens: Tokens, size: tuple[int, int]) -> Map:
    """Undo :func:`map_to_tokens`."""
    # Not transposed first: reshaped after, a single image would no longer pass for ``torch.channels_last``.
    return tokens.reshape(tokens.shape[0], *size, tokens.shape[2]).permute(0, 3, 1, 2)


def map_to_tokens(features: Map) -> Tokens:
    """One token a cell, row by row."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)
