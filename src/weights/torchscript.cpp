#include "glint/weights/torchscript.h"

#include <torch/csrc/jit/serialization/export.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <exception>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

// The towers once more, in TorchScript's Python. tests/weights/torchscript_test.cpp holds it to those of C++.
// N sequences or images, S positions, W width, H heads, d width of a head; A texts, L tokens.
namespace glint {
namespace {

using Script = torch::jit::Module;

// --- sources

// Of an MLP, a layer norm and so on: each module has its own forward.
constexpr auto kLinear = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.linear(x, self.weight, self.bias)
)";

constexpr auto kLayerNorm = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.layer_norm(x, [x.size(-1)], self.weight, self.bias, self.eps)
)";

constexpr auto kMlp = R"(
def forward(self, x: Tensor) -> Tensor:
    return self.c_proj.forward(self.activation(self.c_fc.forward(x)))
)";

// `rows` [N, Q, W] ask, `x` [N, S, W] answers; `seen` broadcasts to [N, H, Q, S].
constexpr auto kAttention = R"(
def heads_of(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.linear(x, weight, bias).view([x.size(0), x.size(1), self.heads, -1]).transpose(1, 2)

def forward(self, rows: Tensor, x: Tensor, seen: Optional[Tensor]) -> Tensor:
    weights = self.in_proj_weight.chunk(3)
    biases = self.in_proj_bias.chunk(3)
    q = self.heads_of(rows, weights[0], biases[0])
    k = self.heads_of(x, weights[1], biases[1])
    v = self.heads_of(x, weights[2], biases[2])
    return self.out_proj.forward(torch.scaled_dot_product_attention(q, k, v, seen).transpose(1, 2).flatten(2))
)";

constexpr auto kBlock = R"(
def forward(self, x: Tensor, seen: Optional[Tensor]) -> Tensor:
    normed = self.ln_1.forward(x)
    x = x + self.attn.forward(normed, normed, seen)
    return x + self.mlp.forward(self.ln_2.forward(x))
)";

std::string patches_source(bool with_bias) {
  return concat(
      "def forward(self, pixels: Tensor) -> Tensor:\n    stride = [self.weight.size(2), self.weight.size(3)]\n",
      "    return torch.conv2d(pixels, self.weight, ", with_bias ? "self.bias" : "None",
      ", stride).flatten(2).transpose(1, 2)\n");
}

constexpr auto kClipImage = R"(
def forward(self, pixels: Tensor) -> Tensor:
    patches = self.conv1.forward(pixels)
    first = self.class_embedding.expand([patches.size(0), 1, -1])
    x = self.ln_pre.forward(torch.cat([first, patches], 1) + self.positional_embedding)
    x = self.transformer.resblocks.forward(x, None)
    return torch.matmul(self.ln_post.forward(x.select(1, 0)), self.proj)
)";

constexpr auto kSiglipPool = R"(
def forward(self, x: Tensor) -> Tensor:
    x = self.attn.forward(self.probe.expand([x.size(0), 1, -1]), x, None)
    return (x + self.mlp.forward(self.ln.forward(x))).squeeze(1)
)";

constexpr auto kSiglipImage = R"(
def forward(self, pixels: Tensor) -> Tensor:
    x = self.conv1.forward(pixels) + self.positional_embedding
    return self.pool.forward(self.ln_post.forward(self.transformer.resblocks.forward(x, None)))
)";

constexpr auto kImage = R"(
def normalise(self, frames: Tensor) -> Tensor:
    mean = torch.tensor(self.mean, device=frames.device).view([3, 1, 1])
    std = torch.tensor(self.std, device=frames.device).view([3, 1, 1])
    return (frames.float() / 255.0 - mean) / std

def encode_image(self, pixels: Tensor) -> Tensor:
    return self.visual.forward(pixels)
)";

// A row's first token is always seen, whatever its mask.
constexpr auto kClipText = R"(
def seen_by(self, mask: Tensor) -> Tensor:
    length = mask.size(1)
    past = torch.tril(torch.ones([length, length], device=mask.device)) > 0
    if not self.hides_padding:
        return past
    real = torch.cat([torch.ones_like(mask.narrow(1, 0, 1)), mask.narrow(1, 1, length - 1)], 1) != 0
    return past.logical_and(real.view([-1, 1, 1, length]))

def encode_text(self, ids: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
    x = torch.embedding(self.token_embedding.weight, ids) + self.positional_embedding.narrow(0, 0, ids.size(1))
    x = self.ln_final.forward(self.transformer.resblocks.forward(x, self.seen_by(mask)))
    words = torch.matmul(x, self.text_projection)
    end = ids.argmax(1).view([-1, 1, 1]).expand([-1, 1, words.size(2)])
    return words.gather(1, end).squeeze(1), words
)";

constexpr auto kSiglipText = R"(
def encode_text(self, ids: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
    x = torch.embedding(self.token_embedding.weight, ids) + self.positional_embedding.narrow(0, 0, ids.size(1))
    words = self.text_projection.forward(self.ln_final.forward(self.transformer.resblocks.forward(x, None)))
    return words.select(1, ids.size(1) - 1), words
)";

std::string activation_source(Activation activation) {
  const auto* body = activation == Activation::kQuickGelu ? "x * torch.sigmoid(1.702 * x)"
                     : activation == Activation::kGelu    ? "torch.gelu(x)"
                                                          : "torch.gelu(x, approximate=\"tanh\")";
  return concat("def activation(self, x: Tensor) -> Tensor:\n    return ", body, "\n");
}

// Modules by number, which no Python name can be.
std::string stack_source(int64_t layers) {
  std::string source = "def forward(self, x: Tensor, seen: Optional[Tensor]) -> Tensor:\n";
  for (int64_t i = 0; i < layers; ++i) source += concat("    x = getattr(self, \"", i, "\").forward(x, seen)\n");
  return source + "    return x\n";
}

// --- modules

// Modules by the dots of their weights' names, without code yet.
class Tree {
 public:
  explicit Tree(const TensorMap& weights) : unit_(std::make_shared<torch::jit::CompilationUnit>()), root_(make()) {
    for (const auto& [name, tensor] : weights) {
      const auto dot = name.rfind('.');
      const auto owner = dot == std::string::npos ? std::string() : name.substr(0, dot);
      at(owner).register_parameter(name.substr(dot + 1), tensor, /*is_buffer=*/false);
    }
  }

  // The module at a path: "visual.transformer.resblocks.0"; "" is the root.
  Script at(const std::string& path) {
    auto module = root_;
    for (std::size_t begin = 0; begin < path.size();) {
      const auto end = std::min(path.find('.', begin), path.size());
      const auto name = path.substr(begin, end - begin);
      if (!module.hasattr(name)) module.register_module(name, make());
      module = module.attr(name).toModule();
      begin = end + 1;
    }
    return module;
  }

 private:
  Script make() const { return {c10::QualifiedName("__torch__.glint.Part"), unit_, /*shouldMangle=*/true}; }

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  Script root_;
};

// Gives the modules their code, the inner ones first: a method is compiled against those it calls.
class Author {
 public:
  Author(Tree& tree, const TowerSizes& sizes) : tree_(tree), sizes_(sizes) {}

  void write(TextMask mask) {
    const bool is_clip = sizes_.kind == TowerKind::kClip;
    stack("visual.transformer.resblocks", sizes_.vision_layers, vision_blocks(sizes_));
    stack("transformer.resblocks", sizes_.text_layers, text_blocks(sizes_));
    const auto vision = vision_blocks(sizes_), text = text_blocks(sizes_);
    define("visual.conv1", patches_source(/*with_bias=*/!is_clip));
    norm("visual.ln_post", vision);
    norm("ln_final", text);
    if (is_clip) {
      norm("visual.ln_pre", vision);
    } else {
      attention("visual.pool.attn", vision);
      mlp("visual.pool.mlp", vision);
      norm("visual.pool.ln", vision);
      define("visual.pool", kSiglipPool);
      define("text_projection", kLinear);
    }
    define("visual", is_clip ? kClipImage : kSiglipImage);
    auto root = tree_.at("");
    number(root, "image_size", sizes_.image_size);
    number(root, "embed_dim", sizes_.embed_dim);
    number(root, "context_length", sizes_.context_length);
    number(root, "vocabulary_size", sizes_.vocabulary_size);
    root.register_attribute("hides_padding", c10::BoolType::get(), mask == TextMask::kCausalPadding);
    const auto& scale = pixel_scale(sizes_.kind);
    numbers(root, "mean", scale.mean);
    numbers(root, "std", scale.stddev);
    root.define(kImage);
    root.define(is_clip ? kClipText : kSiglipText);
  }

 private:
  static void number(Script& module, const char* name, int64_t value) {
    module.register_attribute(name, c10::IntType::get(), value);
  }
  static void numbers(Script& module, const char* name, const std::array<double, 3>& values) {
    module.register_attribute(name, c10::ListType::ofFloats(), std::vector<double>(values.begin(), values.end()));
  }
  void define(const std::string& path, const std::string& source) { tree_.at(path).define(source); }
  void norm(const std::string& path, const BlockSizes& sizes) {
    tree_.at(path).register_attribute("eps", c10::FloatType::get(), sizes.layer_norm_eps);
    define(path, kLayerNorm);
  }
  void mlp(const std::string& path, const BlockSizes& sizes) {
    define(path + ".c_fc", kLinear);
    define(path + ".c_proj", kLinear);
    define(path, activation_source(sizes.activation));
    define(path, kMlp);
  }
  void attention(const std::string& path, const BlockSizes& sizes) {
    auto module = tree_.at(path);
    number(module, "heads", sizes.heads);
    define(path + ".out_proj", kLinear);
    module.define(kAttention);
  }
  void stack(const std::string& path, int64_t layers, const BlockSizes& sizes) {
    for (int64_t i = 0; i < layers; ++i) {
      const auto block = concat(path, ".", i);
      attention(block + ".attn", sizes);
      mlp(block + ".mlp", sizes);
      norm(block + ".ln_1", sizes);
      norm(block + ".ln_2", sizes);
      define(block, kBlock);
    }
    define(path, stack_source(layers));
  }

  Tree& tree_;
  const TowerSizes& sizes_;
};

// LibTorch's writer is handed a function that must not throw through it.
void save(const Script& module, const std::filesystem::path& path) {
  AtomicFile file(path);
  std::exception_ptr problem;
  const auto write = [&](const void* data, std::size_t size) -> std::size_t {
    if (problem) return 0;
    try {
      file.write(data, size);
      return size;
    } catch (const Error&) {
      problem = std::current_exception();
      return 0;
    }
  };
  try {
    torch::jit::ExportModule(module, write);
  } catch (const c10::Error&) {
    if (problem) std::rethrow_exception(problem);
    throw;
  }
  file.commit();
}

}  // namespace

void write_torchscript(const std::filesystem::path& path, const TensorMap& weights, const TowerSizes& sizes,
                       TextMask mask) {
  const torch::NoGradGuard no_grad;
  check_sizes(sizes);
  Tree tree(weights);
  Author(tree, sizes).write(mask);
  auto root = tree.at("");
  root.eval();
  save(root, path);
}

}  // namespace glint
