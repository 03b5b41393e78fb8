#include "head/products.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "glint/config/tight_config.h"

// A texts, B videos, T frames, L words, D width, Q queries; a, b: those of a block.
namespace glint::bench {

namespace {

Products mean_pool_products(const HeadSizes& sizes, const TextFeatures& text, const VideoFeatures& video) {
  const auto A = size(text), B = size(video);
  auto scores = torch::empty({A, B});
  return {A * B * sizes.width, [=, sentence = text.sentence, pooled = video.prepared.at("pooled")]() mutable {
            at::mm_out(scores, sentence, pooled.t());
          }};
}

Products glscl_products(const HeadSizes& sizes, const TextFeatures& text, const VideoFeatures& video) {
  const auto A = size(text), B = size(video), T = sizes.frames, D = sizes.width;
  const auto frames = video.frames.view({B * T, D}), gram = video.prepared.at("gram"), weights = torch::rand({B, A, T});
  const auto nouns = text.prepared.at("concepts").flatten(1), visuals = video.prepared.at("concepts").flatten(1);
  auto dots = torch::empty({A, B * T}), weighted = torch::empty({B, A, T}), scores = torch::empty({A, B});
  return {A * B * (T * D + T * T + sizes.queries * D), [=, sentence = text.sentence]() mutable {
            at::mm_out(dots, sentence, frames.t());  // <c, V_t>
            at::bmm_out(weighted, weights, gram);    // G w
            at::mm_out(scores, nouns, visuals.t());  // s
          }};
}

// Block by block of pairs: of all of them at once some results would take gigabytes.
Products glccl_products(const HeadSizes& sizes, const TextFeatures& text, const VideoFeatures& video) {
  constexpr int64_t kBlock = 32;  // texts and videos of a block
  const auto A = size(text), B = size(video), T = sizes.frames, L = sizes.words, D = sizes.width;
  const auto a = std::min(A, kBlock), b = std::min(B, kBlock), pairs = a * b;
  const auto words = text.prepared.at("rows").narrow(1, 0, L).contiguous();      // [A, L, D]
  const auto sentences = text.prepared.at("rows").narrow(1, L, 2).contiguous();  // [A, 2, D]
  const auto both = video.prepared.at("rows").contiguous();                      // [B, 2 T, D]
  const auto frames = both.narrow(1, 0, T).contiguous();                         // [B, T, D]
  const auto gram = video.prepared.at("gram");
  const auto beta = torch::rand({b, a * (L + 1), T}), projected = torch::rand({pairs, L, T});
  const auto weights = torch::rand({pairs, T, L}), matrix = torch::rand({L, L}), vectors = torch::rand({4 * pairs, L});
  auto dots = torch::empty({a * L, b * 2 * T}), sentence_dots = torch::empty({2 * a, b * T});
  auto weighted = torch::empty_like(beta), scores = torch::empty({pairs, L, L}), level = torch::empty({pairs * L, L});
  auto last = torch::empty_like(vectors);
  auto block = [=](int64_t first_a, int64_t first_b) mutable {
    const auto a_rows = words.narrow(0, first_a, a).view({a * L, D});
    const auto b_rows = both.narrow(0, first_b, b).view({b * 2 * T, D});
    at::mm_out(dots, a_rows, b_rows.t());  // <w, V_t>, <w W_l, V_t>
    at::mm_out(sentence_dots, sentences.narrow(0, first_a, a).view({2 * a, D}),
               frames.narrow(0, first_b, b).view({b * T, D}).t());                       // <c, V_t>, <c W_g, V_t>
    at::bmm_out(weighted, beta, gram.narrow(0, first_b, b));                             // G w
    at::bmm_out(scores, projected, weights);                                             // F
    for (int i = 0; i < 2; ++i) at::mm_out(level, scores.view({pairs * L, L}), matrix);  // first level, both ways
    at::mm_out(last, vectors, matrix);                                                   // last level: m, n, wl, fl
  };
  return {A * B * (2 * L * T * D + 2 * T * D + (L + 1) * T * T + L * L * T + 2 * L * L * L + 4 * L * L), [=]() mutable {
            // The last block lies within the items, so that it is as large as the others.
            for (int64_t i = 0; i < A; i += a) {
              for (int64_t j = 0; j < B; j += b) block(std::min(i, A - a), std::min(j, B - b));
            }
          }};
}

// Products added one by one; large ones are made for some texts at a time.
struct ProductList {
  std::vector<std::function<void()>> calls;
  int64_t macs = 0;

  Products all() const {
    return {macs, [list = calls] {
              for (const auto& call : list) call();
            }};
  }
  // a [.., I] times b [I, J], or of batches; `times` of them into the same memory.
  void add(const torch::Tensor& a, const torch::Tensor& b, int64_t times = 1) {
    const bool batched = a.dim() == 3;
    const auto out = torch::empty(batched ? std::vector<int64_t>{a.size(0), a.size(1), b.size(2)}
                                          : std::vector<int64_t>{a.size(0), b.size(1)});
    macs += times * a.numel() * b.size(-1);
    calls.push_back([=] {
      auto result = out;
      for (int64_t i = 0; i < times; ++i) batched ? at::bmm_out(result, a, b) : at::mm_out(result, a, b);
    });
  }
};

// So many texts that `floats_a_text` for each stay within 128 MiB, a divisor of all.
int64_t texts_at_once(int64_t texts, int64_t floats_a_text) {
  int64_t some = std::clamp<int64_t>((32 << 20) / floats_a_text, 1, texts);
  while (texts % some != 0) --some;
  return some;
}

Products xclip_products(const TextFeatures& text, const VideoFeatures& video) {
  const auto &local = video.prepared.at("local"), &global = video.prepared.at("global");
  const auto A = size(text), B = local.size(0), T = local.size(1) - 1, L = text.words.size(1);
  const auto a = texts_at_once(A, B * (T + 1) * L), blocks = A / a;
  ProductList products;
  products.add(local.flatten(0, 1), text.words.narrow(0, 0, a).flatten(0, 1).t(), blocks);  // <w_i W_l, f_t>, <w_i, v>
  products.add(global.flatten(0, 1), text.sentence.t());                                    // <c, f_t>, <c W_g, v>
  products.add(torch::rand({a * B * T, L}), torch::rand({L, L}), blocks);                   // M softmax over words
  products.add(torch::rand({a * B * L, T}), torch::rand({T, T}), blocks);                   // M softmax over frames
  products.add(torch::rand({2 * a * B, L}), torch::rand({L, L}), blocks);                   // of what those leave
  products.add(torch::rand({2 * a * B, T}), torch::rand({T, T}), blocks);
  return products.all();
}

Products xpool_products(const TextFeatures& text, const VideoFeatures& video) {
  const auto &keys = video.prepared.at("keys"), &mixed = video.prepared.at("mixed");
  const auto A = size(text), B = keys.size(0), T = keys.size(1);
  const auto a = texts_at_once(A, B * T), blocks = A / a;
  ProductList products;
  products.add(text.prepared.at("query").narrow(0, 0, a), keys.flatten(0, 1).t(), blocks);  // <q, k_t>
  products.add(text.sentence.narrow(0, 0, a), mixed.flatten(0, 1).t(), blocks);             // <x, h_t>
  products.add(torch::rand({B, a, T}), torch::rand({B, T, T}), 3 * blocks);                 // three Gram matrices
  return products.all();
}

// The first layer's queries, keys and values are work per item and left out; of the last one a single position is left.
Products tight_products(const TextFeatures& text, const VideoFeatures& video) {
  constexpr int64_t kHeadWidth = 64;
  const auto A = size(text), B = size(video), S = video.frames.size(1) + 1, D = video.frames.size(2);
  const auto a = texts_at_once(A, B * S * 4 * D), blocks = A / a, pairs = a * B, layers = TightConfig{}.layers;
  const auto add_dense = [&](ProductList& list, int64_t rows, int64_t in, int64_t out, int64_t times) {
    list.add(torch::rand({rows, in}), torch::rand({in, out}), times * blocks);
  };
  const auto add_attention = [&](ProductList& list, int64_t queries, int64_t times) {
    const auto heads = pairs * D / kHeadWidth;
    list.add(torch::rand({heads, queries, kHeadWidth}), torch::rand({heads, kHeadWidth, S}), times * blocks);
    list.add(torch::rand({heads, queries, S}), torch::rand({heads, S, kHeadWidth}), times * blocks);
  };
  ProductList products;
  add_dense(products, pairs * S, D, 3 * D, layers - 2);  // queries, keys, values
  add_attention(products, S, layers - 1);
  add_dense(products, pairs * S, D, D, layers - 1);
  add_dense(products, pairs * S, D, 4 * D, layers - 1);
  add_dense(products, pairs * S, 4 * D, D, layers - 1);
  add_dense(products, pairs * S, D, 2 * D, 1);  // the last layer's keys and values
  add_attention(products, 1, 1);
  add_dense(products, pairs, D, D, 3);  // its query and output, the pooler
  add_dense(products, pairs, D, 4 * D, 1);
  add_dense(products, pairs, 4 * D, D, 1);
  add_dense(products, pairs, D, 1, 1);
  return products.all();
}

}  // namespace

Products products_of(const std::string& head, const HeadSizes& sizes, const TextFeatures& text,
                     const VideoFeatures& video) {
  if (head == "mean_pool") return mean_pool_products(sizes, text, video);
  if (head == "glscl") return glscl_products(sizes, text, video);
  if (head == "xclip") return xclip_products(text, video);
  if (head == "xpool") return xpool_products(text, video);
  if (head == "tight") return tight_products(text, video);
  return glccl_products(sizes, text, video);
}

}  // namespace glint::bench
