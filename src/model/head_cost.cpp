#include "glint/model/head_cost.h"

#include "glint/config/glscl_config.h"
#include "glint/config/tight_config.h"
#include "glint/core/error.h"

// T frames, L words, D width, Q queries of a head; the sections are those of methods.md.
namespace glint {
namespace {

HeadCost mean_pool_cost(const HeadSizes& sizes) {
  const auto D = sizes.width;
  return {.released = {.pair = D}, .exact = {.pair = D}, .published = D};
}

// 3.3: a decoder layer over `memory` words or frames: self-attention over the queries (4 projections), attention to the
// memory (query and output; keys and values), both with Q or `memory` logits and values, and two linear layers.
int64_t decoder_layer(const HeadSizes& sizes, int64_t memory) {
  const auto D = sizes.width, Q = sizes.queries;
  return 6 * Q * D * D + 2 * memory * D * D + 2 * Q * (Q + memory) * D + 2 * Q * D * GlsclConfig{}.decoder_ffn;
}

HeadCost glscl_cost(const HeadSizes& sizes) {
  const auto T = sizes.frames, D = sizes.width, Q = sizes.queries, layers = GlsclConfig{}.decoder_layers;
  const auto text = layers * decoder_layer(sizes, sizes.words), video = layers * decoder_layer(sizes, T);
  // Before the first layer all items are alike: its self-attention and its queries are computed once for all.
  const auto alike = 5 * Q * D * D + 2 * Q * Q * D;
  HeadCost cost;
  // 3.2: <c, V_t>; v = sum of weights times V_t; <c, v>; 3.3: <N_q, P_q>.
  cost.released = {.text = text, .video = video, .pair = 2 * T * D + D + Q * D};
  // <c, V_t>; w G w with G = V V' of the video; <N_q, P_q>.
  cost.exact = {.text = text - alike, .video = video - alike + T * T * D, .pair = T * D + T * T + Q * D};
  cost.published = 2 * D;  // without the attention over frames, and one query for all Q (3.7)
  return cost;
}

HeadCost glccl_cost(const HeadSizes& sizes) {
  const auto T = sizes.frames, L = sizes.words, D = sizes.width;
  // 4.3: A1, A2, B3, B4 meet one vector of a pair, B1 and B2 L of them.
  const auto levels = 2 * L * L * L + 4 * L * L;
  HeadCost cost;
  // 4.2: logits and sums of v and of f_j for L words. 4.3: c W_g and w W_l; S_vs, m, n and F, dot products of width D.
  cost.released = {.text = (L + 1) * D * D, .video = 0, .pair = 2 * (L + 1) * T * D + (1 + 2 * L + L * L) * D + levels};
  // 4.6: <w, V_t>, <w, V_t W_l'>, <c, V_t>, <c W_g, V_t>; G b for the L + 1 weights of a pair; F from them.
  cost.exact = {.text = D * D,
                .video = T * D * D + T * T * D,
                .pair = 2 * (L + 1) * T * D + (L + 1) * T * T + L * L * T + levels};
  return cost;
}

HeadCost xclip_cost(const HeadSizes& sizes) {
  const auto T = sizes.frames, L = sizes.words, D = sizes.width;
  const auto dots = (L + 1) * (T + 1) * D;                  // 5.1: of sentence and words with video and frames
  const auto coarse = L * L + T * T;                        // word_logit, frame_logit
  const auto fine = T * L * L + L * T * T + L * L + T * T;  // word_mat, frame_mat, and the second level
  HeadCost cost;
  cost.released = {.text = (L + 1) * D * D, .video = 0, .pair = dots + coarse + fine};
  // W_g and W_l act on the video's side, which has fewer rows.
  cost.exact = {.text = 0, .video = (T + 1) * D * D, .pair = dots + coarse + fine};
  cost.published = dots + coarse + L + T;  // 3.7: the attention over F is left out, coarse weighted sums are not
  return cost;
}

HeadCost xpool_cost(const HeadSizes& sizes) {
  const auto T = sizes.frames, D = sizes.width;
  HeadCost cost;
  // 5.2: q; k and v; logits and sum, W_o, W_p, <x, z>.
  cost.released = {.text = D * D, .video = 2 * T * D * D, .pair = 2 * T * D + 2 * D * D + D};
  // All four projections act on frames; three quadratic forms in them with b2 and b3 beside; <q, k_t>, <g3 x, h_t> and
  // the forms of the weights.
  const auto forms = T * T * D + 2 * (T + 1) * (T + 1) * D + (T + 1) * D;
  cost.exact = {.text = D * D, .video = 4 * T * D * D + forms, .pair = 2 * T * D + 3 * T * T};
  cost.published = 2 * T * D + D * D + D + T;  // 3.7: one of the two D x D layers
  return cost;
}

HeadCost tight_cost(const HeadSizes& sizes) {
  const auto S = sizes.frames + 1, D = sizes.width, layers = TightConfig{}.layers;
  const auto attention = 2 * S * S * D;  // logits and values of all positions
  const auto pooler = D * D + D;
  HeadCost cost;
  // 2: queries, keys, values, output: 4 D x D of every position; a hidden width of 4 D: 8.
  cost.released.pair = layers * (12 * S * D * D + attention) + pooler;
  // The first layer's queries, keys and values come from an item alone; of the last layer one position is wanted.
  cost.exact.text = 3 * D * D;
  cost.exact.video = sizes.frames * 3 * D * D;
  cost.exact.pair = (layers - 1) * (9 * S * D * D + attention) + (layers - 2) * 3 * S * D * D +
                    (2 * S * D * D + 10 * D * D + 2 * S * D) + pooler;
  return cost;
}

}  // namespace

HeadCost head_cost(const std::string& head, const HeadSizes& sizes) {
  if (head == "mean_pool") return mean_pool_cost(sizes);
  if (head == "glscl") return glscl_cost(sizes);
  if (head == "glccl") return glccl_cost(sizes);
  if (head == "xclip") return xclip_cost(sizes);
  if (head == "xpool") return xpool_cost(sizes);
  GLINT_CHECK(head == "tight", "no head ", head);
  return tight_cost(sizes);
}

}  // namespace glint
