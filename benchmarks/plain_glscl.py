"""GLSCL as a PyTorch program writes it: the other side of compare_training_step.py.

CLIP's towers, the seqTransf temporal encoder, the GLSCL head with its losses, and BertAdam, each as its formula stands, with the
names of the released checkpoints. Attention is PyTorch's scaled_dot_product_attention behind packed projections, which on CPUs takes
less time than nn.MultiheadAttention; the query decoder is PyTorch's own nn.TransformerDecoderLayer. What nothing reads is not
computed: of the image tower's last tokens the class token alone is projected.
A texts, B videos, N images, L tokens, T frames, S positions, W width, D features, Q queries.
"""
import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

LOGIT_SCALE_START = math.log(1 / 0.07)
LOGIT_SCALE_MAX = math.log(100)


@dataclass
class Sizes:
    """Of CLIP's two towers; heads are 64 wide."""

    embed: int = 512
    image: int = 224
    patch: int = 32
    vision_width: int = 768
    vision_layers: int = 12
    text_width: int = 512
    text_layers: int = 12
    context: int = 77
    vocabulary: int = 49408


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.heads = width // 64
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x, mask):
        """x [N, S, W]; mask: what is added to the scores, or None."""
        n, s, w = x.shape
        packed = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = packed.view(n, s, 3, self.heads, 64).permute(2, 0, 3, 1, 4)  # each [N, heads, S, 64]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(mixed.transpose(1, 2).reshape(n, s, w))


class Block(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.attn = Attention(width)
        self.ln_1 = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=QuickGELU(), c_proj=nn.Linear(4 * width, width))
        )
        self.ln_2 = nn.LayerNorm(width, eps=eps)

    def forward(self, x, mask=None):
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers, eps=1e-5):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, eps) for _ in range(layers))

    def forward(self, x, mask=None):
        for block in self.resblocks:
            x = block(x, mask)
        return x


class ImageTower(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width, patches = sizes.vision_width, (sizes.image // sizes.patch) ** 2
        self.conv1 = nn.Conv2d(3, width, sizes.patch, sizes.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(1 + patches, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, sizes.vision_layers)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, sizes.embed) * width**-0.5)

    def forward(self, images):
        """[N, 3, R, R] -> [N, D]"""
        x = self.conv1(images).flatten(2).transpose(1, 2)  # [N, patches, W]
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], dim=1)
        x = self.transformer(self.ln_pre(x + self.positional_embedding))
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.visual = ImageTower(sizes)
        self.token_embedding = nn.Embedding(sizes.vocabulary, sizes.text_width)
        self.positional_embedding = nn.Parameter(torch.randn(sizes.context, sizes.text_width) * 0.01)
        self.transformer = Transformer(sizes.text_width, sizes.text_layers)
        self.ln_final = nn.LayerNorm(sizes.text_width)
        self.text_projection = nn.Parameter(torch.randn(sizes.text_width, sizes.embed) * sizes.text_width**-0.5)
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE_START))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def encode_text(self, ids, mask):
        """ids, mask [A, L] -> words [A, L, D], the sentence's feature [A, D]; padding is no key (as GLSCL has it)"""
        length = ids.shape[1]
        is_hidden = torch.ones(length, length, dtype=torch.bool).triu(1) | (mask[:, None, None, :] == 0)  # [A, 1, L, L]
        bias = torch.zeros(is_hidden.shape).masked_fill(is_hidden, float("-inf"))
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        words = self.ln_final(self.transformer(x, bias)) @ self.text_projection
        return words, words[torch.arange(len(ids)), ids.argmax(-1)]


class Retrieval(nn.Module):
    """A batch of pairs -> its losses by name, which add up."""

    def __init__(self, sizes):
        super().__init__()
        self.clip = Clip(sizes)
        self.clip.visual.conv1.weight.requires_grad_(False)

    def contrastive(self, scores):
        logits = self.clip.logit_scale.exp() * scores
        target = torch.arange(len(logits))
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2

    def features(self, ids, ids_mask, frames):
        words, sentence = self.clip.encode_text(ids, ids_mask)
        return words, sentence, self.clip.visual(frames.flatten(0, 1)).view(*frames.shape[:2], -1)  # [B, T, D]


class MeanPool(Retrieval):
    """The towers and the mean of the unit frames: no other weights."""

    def losses(self, features, mask):
        _, sentence, frames = features
        seen = mask[:, :, None].float()
        video = (F.normalize(frames, dim=-1) * seen).sum(1) / seen.sum(1).clamp_min(1)
        return {"nce": self.contrastive(F.normalize(sentence, dim=-1) @ F.normalize(video, dim=-1).t())}


class Glscl(Retrieval):
    TEMPERATURE, QUERY_WEIGHT, ALPHA, BETA, MARGIN, TARGET = 3, 0.5, 1e-4, 0.005, 0.1, 0.75

    def __init__(self, sizes, queries=8, temporal_layers=4, decoder_layers=3, decoder_heads=8, decoder_ffn=2048):
        super().__init__(sizes)
        self.frame_position_embeddings = nn.Embedding(sizes.context, sizes.embed)
        self.transformerClip = Transformer(sizes.embed, temporal_layers, eps=1e-12)
        self.spatial_queries = nn.Parameter(torch.rand(queries, sizes.embed))
        layer = nn.TransformerDecoderLayer(sizes.embed, decoder_heads, decoder_ffn, dropout=0.0, batch_first=True)
        self.transformer_decoder_noun = nn.TransformerDecoder(layer, decoder_layers)
        self.start_as_text_tower()

    @torch.no_grad()
    def start_as_text_tower(self):
        """The temporal encoder begins as the text tower's first blocks."""
        self.frame_position_embeddings.weight.copy_(self.clip.positional_embedding)
        for mine, theirs in zip(self.transformerClip.resblocks, self.clip.transformer.resblocks):
            mine.load_state_dict(theirs.state_dict())

    def temporal(self, frames, mask):
        bias = (1 - mask[:, None, None, :].float()) * -1e6  # [B, 1, 1, T]
        x = frames + self.frame_position_embeddings.weight[: frames.shape[1]]
        return self.transformerClip(x, bias.expand(-1, -1, frames.shape[1], -1)) + frames

    def concepts(self, memory):
        """[B, T or L, D] -> [B, Q, D], of length 1"""
        found = self.transformer_decoder_noun(self.spatial_queries.expand(len(memory), -1, -1), memory)
        return found / found.norm(dim=-1, keepdim=True)

    def global_scores(self, sentence, frames, mask):
        weights = (torch.einsum("ad,btd->abt", sentence, frames) / self.TEMPERATURE).softmax(-1) * mask
        video = torch.einsum("abt,btd->abd", weights, frames)
        products = torch.einsum("ad,abd->ab", sentence, video)
        return products / (sentence.norm(dim=-1)[:, None] * video.norm(dim=-1))

    def consistency(self, nouns, visuals):
        cosines = (visuals * nouns).sum(-1).sum(0) / visuals.shape[1]  # [Q]; by Q, as released
        means = (visuals.mean(0) - nouns.mean(0)).square().mean()
        return means + self.BETA * (cosines - self.TARGET).square().sum()

    def diversity(self, visuals):
        gram = (visuals @ visuals.transpose(1, 2)).mean(0)  # [Q, Q]
        own, queries = gram.diagonal(), len(gram)
        excess = (self.MARGIN + gram - own[:, None]).clamp_min(0) + (self.MARGIN + gram - own[None, :]).clamp_min(0)
        return self.ALPHA * (excess * (1 - torch.eye(queries))).sum() / (queries * (queries - 1))

    def losses(self, features, mask):
        words, sentence, frames = features
        frames = self.temporal(frames, mask)
        nouns, visuals = self.concepts(words), self.concepts(frames)
        local = nouns.flatten(1) @ visuals.flatten(1).t() / nouns.shape[1]
        scores = self.global_scores(sentence, frames, mask) + self.QUERY_WEIGHT * local
        return {
            "nce": self.contrastive(scores),
            "icl": self.consistency(nouns, visuals),
            "idl": self.diversity(visuals),
        }


class BertAdam(torch.optim.Optimizer):
    """As released: a clip of each tensor's own, no bias correction, decay inside the rate."""

    def __init__(self, model, steps, lr=1e-4, clip_lr=1e-7, decay=0.2, warmup=0.1):
        groups = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                key = (clip_lr if "clip." in name else lr, 0.0 if "bias" in name else decay)
                groups.setdefault(key, []).append(parameter)
        super().__init__([{"params": p, "lr": lr, "decay": decay} for (lr, decay), p in groups.items()], {})
        self.steps, self.warmup, self.done = steps, warmup, 0

    def factor(self):
        x = self.done / self.steps
        return x / self.warmup if x < self.warmup else 0.5 * (1 + math.cos(math.pi * x))

    @torch.no_grad()
    def step(self):
        factor = self.factor()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, group["lr"] * factor, group["decay"])
        self.done += 1

    def update(self, p, lr, decay):
        state = self.state[p]
        if not state:
            state["m"], state["v"] = torch.zeros_like(p), torch.zeros_like(p)
        nn.utils.clip_grad_norm_(p, 1.0)
        m, v = state["m"], state["v"]
        m.mul_(0.9).add_(p.grad, alpha=0.1)
        v.mul_(0.98).addcmul_(p.grad, p.grad, value=0.02)
        change = m / (v.sqrt() + 1e-6)
        if decay > 0:
            change += decay * p
        p.add_(change, alpha=-lr)


MODELS = {"glscl": Glscl, "mean_pool": MeanPool}
