#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "glint/core/error.h"
#include "glint/io/torch_file.h"
#include "glint/model/retrieval_model.h"
#include "glint/weights/checkpoint.h"
#include "glint/weights/export.h"
#include "glint/weights/import.h"
#include "glint/weights/tower_weights.h"
#include "support/environment.h"
#include "support/golden.h"
#include "support/small_clip.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

auto refuses(const std::string& text) {
  return ThrowsMessage<Error>(HasSubstr(text));
}

TowerConfig config_of(const TowerSizes& sizes) {
  TowerConfig config;
  if (sizes.kind == TowerKind::kSiglip) {
    config.kind = "siglip";
    config.activation = "gelu_tanh";
    config.vision_heads = 4;
  }
  return config;
}

TensorMap weights_of(const TowerSizes& sizes) {
  torch::manual_seed(1);
  TensorMap weights;
  for (const auto& item : make_towers(sizes)->named_parameters()) weights[item.key()] = item.value().detach().clone();
  return weights;
}

void expect_same_weights(const TensorMap& ours, const TensorMap& want) {
  ASSERT_EQ(ours.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_TRUE(torch::equal(ours.at(name), tensor)) << name;
  }
}

TEST(TowerWeightsTest, TheListOfShapesIsThatOfTheParameters) {
  auto with_bias = small_clip_sizes();
  with_bias.has_logit_bias = true;
  for (const auto& sizes : {small_clip_sizes(), with_bias, small_siglip_sizes()}) {
    std::map<std::string, std::vector<int64_t>> shapes;
    for (const auto& [name, tensor] : weights_of(sizes)) shapes[name] = tensor.sizes().vec();
    EXPECT_EQ(tower_shapes(sizes), shapes);
  }
}

TEST(TowerWeightsTest, TheWayThereAndBackKeepsEveryBit) {
  for (const auto& sizes : {small_clip_sizes(), small_siglip_sizes()}) {
    const auto weights = weights_of(sizes);
    for (const auto names : {WeightNames::kOpenAi, WeightNames::kHuggingFace}) {
      const auto theirs = export_towers(weights, names, sizes);
      const auto back = import_towers(theirs, names, config_of(sizes), "file");
      expect_same_weights(back.weights, weights);
      EXPECT_EQ(back.sizes.image_size, sizes.image_size);
      EXPECT_EQ(back.sizes.text_width, sizes.text_width);
    }
  }
}

TEST(TowerWeightsTest, EveryMissingSpareAndMisshapenNameIsListedAtOnce) {
  const auto sizes = small_clip_sizes();
  auto theirs = export_towers(weights_of(sizes), WeightNames::kHuggingFace, sizes);
  theirs.erase("vision_model.encoder.layers.1.self_attn.k_proj.bias");
  theirs["text_model.extra"] = torch::zeros({2});
  theirs["visual_projection.weight"] = torch::zeros({40, 65});
  theirs["text_model.final_layer_norm.bias"] = theirs["text_model.final_layer_norm.bias"].to(torch::kInt64);
  theirs["logit_scale"] = torch::full({}, NAN);
  theirs["text_model.embeddings.position_ids"] = torch::zeros({1, 13}, torch::kInt64);
  EXPECT_THAT([&] { import_towers(theirs, WeightNames::kHuggingFace, {}, "model.bin"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("model.bin: 5 names do not fit: "),
                                         HasSubstr("'vision_model.encoder.layers.1.self_attn.k_proj.bias' is missing"),
                                         HasSubstr("'logit_scale' holds what is no finite number"),
                                         HasSubstr("'text_model.extra' is no weight of this model"),
                                         HasSubstr("'visual_projection.weight' is [40, 65], expected [40, 64]"),
                                         HasSubstr("'text_model.final_layer_norm.bias' holds Long"))));
}

TEST(TowerWeightsTest, PositionsForAnotherPictureSizeKeepTheClassTokenAndConstants) {
  auto sizes = small_clip_sizes();  // a grid of 3 x 3
  auto positions = torch::full({10, 4}, 0.25);
  positions[0] = 7;
  const auto resized = resized_positions(positions, 40, sizes);
  EXPECT_EQ(sizes.image_size, 40);
  ASSERT_EQ(resized.sizes(), (std::vector<int64_t>{26, 4}));
  EXPECT_TRUE(torch::equal(resized[0], positions[0]));
  EXPECT_TRUE(torch::allclose(resized.slice(0, 1), torch::full({25, 4}, 0.25)));
  EXPECT_THAT([&] { resized_positions(positions, 41, sizes); }, refuses("--image-size: 41"));
}

class WeightImportTest : public testing::Test {
 protected:
  // The small towers under OpenAI's names; a vocabulary that CLIP's tokens do not fit is only remarked on.
  TensorMap openai() const { return weights_of(small_clip_sizes()); }
  const TemporaryFolder folder_;
};

TEST_F(WeightImportTest, WrappersOfTrainingCheckpointsAreTakenOff) {
  const auto weights = openai();
  for (const std::string prefix : {"", "module.", "state_dict/", "state_dict/module.", "model/_orig_mod.module."}) {
    TensorMap wrapped;
    for (const auto& [name, tensor] : weights) wrapped[prefix + name] = tensor.to(torch::kFloat64);
    if (!prefix.empty()) wrapped["optimizer/state/0/exp_avg"] = torch::zeros({3});
    if (prefix == "module.") wrapped.erase("optimizer/state/0/exp_avg");
    write_safetensors(folder_ / "wrapped.safetensors", wrapped);
    const auto imported = import_model(folder_ / "wrapped.safetensors");
    TensorMap want;
    for (const auto& [name, tensor] : weights) want["clip." + name] = tensor;
    expect_same_weights(imported.weights, want);
  }
}

TEST_F(WeightImportTest, AModelIsFoundByItsNamesWhateverEntryAndPrefixItStandsIn) {
  const auto sizes = small_clip_sizes();
  const auto expect_found = [&](const TensorMap& weights, const std::string& prefix, const std::string& text) {
    SCOPED_TRACE(prefix);
    TensorMap wrapped;
    for (const auto& [name, tensor] : weights) wrapped[prefix + name] = tensor;
    write_safetensors(folder_ / "wrapped.safetensors", wrapped);
    const auto imported = import_model(folder_ / "wrapped.safetensors");
    TensorMap want;
    for (const auto& [name, tensor] : openai()) want["clip." + name] = tensor;
    expect_same_weights(imported.weights, want);
    EXPECT_THAT(imported.what, HasSubstr(text));
  };
  const auto hugging_face = export_towers(openai(), WeightNames::kHuggingFace, sizes);
  expect_found(openai(), "state_dict/model.", "(in the entry 'state_dict', behind 'model.')");
  expect_found(openai(), "ema/module.net.", "(in the entry 'ema', behind 'module.net.')");
  expect_found(hugging_face, "model.", "(behind 'model.')");
  expect_found(hugging_face, "clip.", "(behind 'clip.')");
  expect_found(hugging_face, "state_dict/model.clip.", "(in the entry 'state_dict', behind 'model.clip.')");
  TensorMap compiled;
  for (const auto& [name, tensor] : openai()) {
    auto inner = name;
    if (const auto at = inner.find("resblocks."); at != std::string::npos) inner.insert(at, "_orig_mod.");
    compiled[inner] = tensor;
  }
  expect_found(compiled, "_orig_mod.", "CLIP");
}

TEST_F(WeightImportTest, TensorsBesideThePrefixedModelAreNamed) {
  TensorMap wrapped;
  for (const auto& [name, tensor] : openai()) wrapped["model." + name] = tensor;
  wrapped["criterion.weight"] = torch::zeros({3});
  write_safetensors(folder_ / "a.safetensors", wrapped);
  EXPECT_THAT(import_model(folder_ / "a.safetensors").remarks,
              testing::Contains(HasSubstr("1 tensors are passed over, whose names do not begin with 'model.' as the "
                                          "model's do: 'criterion.weight'")));
}

TEST_F(WeightImportTest, TwoModelsInOneFileAndNamesOfNoneAreRefusedByName) {
  TensorMap two;
  for (const auto& [name, tensor] : openai()) {
    two["model/" + name] = tensor;
    two["model_ema/" + name] = tensor.clone();
  }
  write_safetensors(folder_ / "two.safetensors", two);
  EXPECT_THAT([&] { import_model(folder_ / "two.safetensors"); },
              refuses("holds 2 models, one in the entry 'model' and one in the entry 'model_ema'"));
  TensorMap none;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) none[name] = torch::zeros({1});
  write_safetensors(folder_ / "none.safetensors", none);
  EXPECT_THAT([&] { import_model(folder_ / "none.safetensors"); },
              refuses("with 6 tensors ('a', 'b', 'c', 'd', 'e' and 1 more), which are neither CLIP's nor SigLIP's"));
}

TEST_F(WeightImportTest, AFileOfTorchSaveInHalfPrecisionBecomesFloat) {
  TensorMap half;
  for (const auto& [name, tensor] : openai()) half[name] = tensor.to(torch::kHalf);
  write_torch_file(folder_ / "half.pt", half);
  const auto imported = import_model(folder_ / "half.pt", {.as = "clip"});
  EXPECT_TRUE(torch::equal(imported.weights.at("clip.visual.proj"), half.at("visual.proj").to(torch::kFloat)));
  EXPECT_EQ(imported.config.model.towers.activation, "quick_gelu");
  EXPECT_EQ(
      imported.assumed,
      "nothing described the towers, so these were assumed: the activation quick_gelu (--activation); heads of 64 "
      "columns, 1 in the image tower and 2 in the text tower (--heads)");
}

TEST_F(WeightImportTest, HeadsAreTheGivenOnesAndAreNeverAssumedInSilence) {
  write_safetensors(folder_ / "clip.safetensors", openai());
  const auto import = [&](const ImportOptions& options) { return import_model(folder_ / "clip.safetensors", options); };
  EXPECT_THAT(import({.activation = "gelu"}).assumed,
              AllOf(HasSubstr("(--heads)"), testing::Not(HasSubstr("--activation"))));
  EXPECT_THAT(import({.heads = TowerHeads{2, 4}}).assumed,
              AllOf(HasSubstr("--activation"), testing::Not(HasSubstr("--heads"))));
  const auto told = import({.activation = "gelu", .heads = TowerHeads{2, 4}});
  EXPECT_EQ(told.assumed, "");
  EXPECT_EQ(told.config.model.towers.vision_heads, 2);
  EXPECT_EQ(told.config.model.towers.text_heads, 4);
  EXPECT_THAT(
      [&] {
        import({.heads = TowerHeads { 3, 4 }});
      },
      refuses("--heads: 3 heads do not divide the image tower's 64 columns"));
  EXPECT_THAT(
      [&] {
        import({.heads = TowerHeads { 2, 5 }});
      },
      refuses("--heads: 5 heads do not divide the text tower's 128 columns"));
}

TEST_F(WeightImportTest, HeadsOfAnotherWidthMustBeTold) {
  auto sizes = small_clip_sizes();
  sizes.vision_width = 48;
  sizes.vision_heads = 3;
  write_safetensors(folder_ / "clip.safetensors", weights_of(sizes));
  EXPECT_THAT([&] { import_model(folder_ / "clip.safetensors"); },
              refuses("heads of 64 do not divide the image tower's 48 columns; --heads IMAGE,TEXT"));
  EXPECT_EQ(import_model(folder_ / "clip.safetensors", {.heads = TowerHeads{3, 2}}).config.model.towers.vision_heads,
            3);
}

TEST_F(WeightImportTest, WhatADescriptionTellsIsNotContradicted) {
  const auto sizes = small_clip_sizes();
  write_safetensors(folder_ / "model.safetensors", export_towers(openai(), WeightNames::kHuggingFace, sizes));
  const auto describe = [&](int image, int text) {
    std::ofstream(folder_ / "config.json") << R"({"vision_config": {"num_attention_heads": )" << image
                                           << R"(}, "text_config": {"num_attention_heads": )" << text << "}}";
  };
  describe(2, 4);
  EXPECT_EQ(import_model(folder_.path(), {.heads = TowerHeads{2, 4}}).assumed, "");
  EXPECT_THAT(
      [&] {
        import_model(folder_.path(), {.heads = TowerHeads{4, 4}});
      },
      refuses("config.json says 2 heads of the image tower and 4 of the text tower; leave --heads out"));
  EXPECT_EQ(import_model(folder_.path(), {.activation = "quick_gelu"}).config.model.towers.activation, "quick_gelu");
  EXPECT_THAT([&] { import_model(folder_.path(), {.activation = "gelu"}); },
              refuses("config.json says quick_gelu; leave --activation out"));
  describe(2, 3);
  EXPECT_THAT([&] { import_model(folder_.path()); },
              refuses("config.json: says 3 heads, which do not divide the text tower's 128 columns"));
}

TEST(TowerHeadsTest, AreOneNumberOrTwo) {
  EXPECT_EQ(parse_tower_heads("4").text, 4);
  EXPECT_EQ(parse_tower_heads("12,8").image, 12);
  EXPECT_EQ(parse_tower_heads("12,8").text, 8);
  for (const std::string text : {"", "0", "4,", ",4", "4,0", "x", "1,2,3", "-1", "4.5", "99999999999999999999"}) {
    EXPECT_THAT([&] { parse_tower_heads(text); }, refuses("--heads " + text + ": is no number above 0"));
  }
}

TEST_F(WeightImportTest, WhatIsNoModelIsRefusedWithASentence) {
  write_safetensors(folder_ / "other.safetensors", {{"bert.embeddings", torch::zeros({2})}});
  EXPECT_THAT([&] { import_model(folder_ / "other.safetensors"); }, refuses("'bert.embeddings'"));
  write_safetensors(folder_ / "timm.safetensors", {{"visual.trunk.stem", torch::zeros({2})}});
  EXPECT_THAT([&] { import_model(folder_ / "timm.safetensors"); }, refuses("timm"));
  EXPECT_THAT([&] { import_model(folder_ / "nothing.pt"); }, refuses("nothing.pt: is not there"));
  EXPECT_THAT([&] { import_model(folder_.path()); }, refuses("holds 2 files of weights"));
  write_safetensors(folder_ / "clip.safetensors", openai());
  EXPECT_THAT([&] { import_model(folder_ / "clip.safetensors", {.as = "glscl"}); }, refuses("holds clip, not glscl"));
}

TEST_F(WeightImportTest, DescriptionsOfWhatOurTowersDoNotDoAreRefusedByKey) {
  const auto sizes = small_clip_sizes();
  write_safetensors(folder_ / "model.safetensors", export_towers(openai(), WeightNames::kHuggingFace, sizes));
  const auto describe = [&](const std::string& json) { std::ofstream(folder_ / "config.json") << json; };
  describe(R"({"vision_config": {"hidden_act": "relu"}})");
  EXPECT_THAT([&] { import_model(folder_.path()); }, refuses("config.json: vision_config.hidden_act (\"relu\")"));
  describe(R"({"vision_config": {"num_attention_heads": 1}, "text_config": {"num_attention_heads": 0}})");
  EXPECT_THAT([&] { import_model(folder_.path()); },
              refuses("text_config.num_attention_heads (0) is no number above 0"));
  describe(R"({"text_config": {"layer_norm_eps": 1e-3}})");
  EXPECT_THAT([&] { import_model(folder_.path()); }, refuses("text_config.layer_norm_eps"));
  describe("[");
  EXPECT_THAT([&] { import_model(folder_.path()); }, refuses("config.json:1: is not JSON: the file ends early"));
  describe(R"({"vision_config": {"num_attention_heads": 2}, "text_config": {"num_attention_heads": 4}})");
  EXPECT_EQ(import_model(folder_.path()).config.model.towers.text_heads, 4);
}

TEST_F(WeightImportTest, TheLegacyDictsOfAClipDescriptionWinAsInTransformers) {
  const auto sizes = small_clip_sizes();
  write_safetensors(folder_ / "model.safetensors", export_towers(openai(), WeightNames::kHuggingFace, sizes));
  const auto heads_of = [&](const std::string& json) {
    std::ofstream(folder_ / "config.json") << json;
    const auto towers = import_model(folder_.path()).config.model.towers;
    return std::pair(towers.vision_heads, towers.text_heads);
  };
  EXPECT_EQ(heads_of(R"({"vision_config_dict": {"num_attention_heads": 2},
                         "text_config_dict": {"num_attention_heads": 4}})"),
            std::pair(int64_t{2}, int64_t{4}));
  EXPECT_EQ(heads_of(R"({"vision_config_dict": {"num_attention_heads": 2}, "vision_config": {"num_attention_heads": 1},
                         "text_config_dict": null, "text_config": {"num_attention_heads": 4}})"),
            std::pair(int64_t{2}, int64_t{4}));
}

TEST_F(WeightImportTest, HeadsThatADescriptionLeavesOutAreTransformersWhereTheWidthIsItsToo) {
  const auto sizes = small_clip_sizes();
  write_safetensors(folder_ / "model.safetensors", export_towers(openai(), WeightNames::kHuggingFace, sizes));
  const auto describe = [&](const std::string& json) { std::ofstream(folder_ / "config.json") << json; };
  describe(R"({"vision_config": {"num_attention_heads": 2}})");
  EXPECT_THAT([&] { import_model(folder_.path()); },
              refuses(concat("config.json: does not say how many heads the text tower has, and the default of "
                             "transformers, 8, belongs to 512 columns, where this one has ",
                             sizes.text_width, "; --heads IMAGE,TEXT says how many there are")));
  EXPECT_EQ(import_model(folder_.path(), {.heads = TowerHeads{2, 4}}).config.model.towers.text_heads, 4);
  describe(concat(R"({"vision_config": {"num_attention_heads": 2}, "text_config": {"hidden_size": )", sizes.text_width,
                  "}}"));
  const auto imported = import_model(folder_.path());
  EXPECT_EQ(imported.config.model.towers.text_heads, 8);
  EXPECT_THAT(imported.remarks,
              testing::Contains(HasSubstr("does not say how many heads the text tower has: 8 are taken")));
  describe(
      R"({"vision_config": {"num_attention_heads": 2, "hidden_size": 7}, "text_config": {"num_attention_heads": 4}})");
  EXPECT_THAT([&] { import_model(folder_.path()); },
              refuses("config.json: says that the image tower has 7 columns, and that of "));
  describe(R"({"vision_config": 7})");
  EXPECT_THAT([&] { import_model(folder_.path()); }, refuses("config.json: vision_config (7) is no object"));
}

TEST_F(WeightImportTest, WhatLiesInPlaceOfWeightsIsNamed) {
  std::ofstream(folder_ / "a.pt") << "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
  EXPECT_THAT([&] { import_model(folder_ / "a.pt"); }, refuses("a.pt: is a Git LFS pointer"));
}

TEST_F(WeightImportTest, PartsOfOpenClipsModelsAreRefusedUnlessTheyAreSwitchedOff) {
  write_safetensors(folder_ / "open_clip_model.safetensors", openai());
  const auto describe = [&](const std::string& vision, const std::string& text) {
    std::ofstream(folder_ / "open_clip_config.json")
        << R"({"model_cfg": {"vision_cfg": {"width": 64)" << vision << R"(}, "text_cfg": {"heads": 2)" << text << "}}}";
  };
  const auto import = [&] { return import_model(folder_.path()); };
  describe(R"(, "no_ln_pre": true)", "");
  EXPECT_THAT(import, refuses("vision_cfg.no_ln_pre (true) is a part that glint's towers do not have"));
  describe(R"(, "pos_embed_type": "sin_cos_2d")", "");
  EXPECT_THAT(import, refuses("vision_cfg.pos_embed_type (\"sin_cos_2d\")"));
  describe("", R"(, "pool_type": "last")");
  EXPECT_THAT(import, refuses("text_cfg.pool_type (\"last\") is not argmax"));
  describe(R"(, "no_ln_pre": false, "pos_embed_type": "learnable", "pool_type": "tok", "ls_init_value": null)",
           R"(, "no_causal_mask": false, "pool_type": "argmax")");
  EXPECT_EQ(import().config.model.towers.text_heads, 2);
}

TEST_F(WeightImportTest, NumbersThatAreNotFiniteAreListedInEveryPartOfASystem) {
  auto sizes = small_clip_sizes();
  sizes.embed_dim = 64;  // a multiple of 64, which seq_transf needs
  Config config;
  config.model.temporal_layers = 1;
  config.head = MeanPoolConfig{};
  RetrievalModel model(config.model, config.head, sizes, {64, 9, 5});
  TensorMap released;
  const auto names = model.reference_names();
  for (const auto& item : model.named_parameters()) released[names.at(item.key())] = item.value().detach().clone();
  released.at("transformerClip.resblocks.0.ln_1.bias")[3] = NAN;
  released.at("frame_position_embeddings.weight")[1][2] = INFINITY;
  released["spare"] = torch::zeros({2});
  write_safetensors(folder_ / "system.safetensors", released);
  EXPECT_THAT(
      [&] { import_model(folder_ / "system.safetensors"); },
      ThrowsMessage<Error>(AllOf(HasSubstr("'transformerClip.resblocks.0.ln_1.bias' holds what is no finite number"),
                                 HasSubstr("'frame_position_embeddings.weight' holds what is no finite number"),
                                 HasSubstr("'spare' fits no parameter"), HasSubstr("3 names do not fit"))));
}

TEST_F(WeightImportTest, AnImportIsACheckpointAndExportsAsItCame) {
  write_safetensors(folder_ / "clip.safetensors", openai());
  const auto imported = import_model(folder_ / "clip.safetensors");
  save_checkpoint(folder_ / "imported", imported.config, *imported.tokenizer, imported.weights, imported.assumed);
  const auto checkpoint = load_checkpoint(folder_ / "imported");
  EXPECT_EQ(checkpoint.assumed, imported.assumed);
  expect_same_weights(checkpoint.model, imported.weights);
  for (const std::string format : {"reference", "huggingface", "open_clip"}) {
    export_model(checkpoint, format, folder_ / format);
    expect_same_weights(
        import_model(folder_ / format / (format == "open_clip" ? "open_clip_model.safetensors" : "model.safetensors"))
            .weights,
        imported.weights);
  }
  export_model(checkpoint, "deploy", folder_ / "deploy");
  EXPECT_EQ(load_checkpoint(folder_ / "deploy").assumed, imported.assumed);
  EXPECT_THAT([&] { export_model(checkpoint, "onnx", folder_ / "x"); }, refuses("'onnx'"));
}

// What the released systems hold and do not use.
bool is_unused(const std::string& name) {
  for (const auto* prefix : {"decoder_layer_noun.", "decoder_layer_spatial.", "transformer_decoder_spatial.",
                             "weight_fc.", "noun_queries", "visual_logit_weight"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

TEST_F(WeightImportTest, CheckpointsOfReleasedSystemsGiveTheirScoresAndTheirNamesAgain) {
  int found = 0;
  for (const auto& golden_folder : golden_case_dirs()) {
    const auto golden = load_golden_case(golden_folder);
    const auto& name = golden.name;
    if (golden.kind != "glscl_full" && golden.kind != "sim_full") continue;
    SCOPED_TRACE(name);
    ++found;
    const auto imported = import_model(golden_folder / "weights.safetensors");
    save_checkpoint(folder_ / name, imported.config, *imported.tokenizer, imported.weights);
    const auto checkpoint = load_checkpoint(folder_ / name);
    const auto model = restore_model(checkpoint);
    torch::NoGradGuard no_grad;
    model->eval();
    const bool is_glscl = golden.kind == "glscl_full";
    const auto input = [&](const char* key) { return is_glscl ? golden.input(key) : golden.input(key)[0]; };
    const auto text =
        model->encode_text(input(is_glscl ? "ids" : "input_ids"), input(is_glscl ? "text_mask" : "input_mask"));
    const auto video = model->encode_video(input("pixels"), input("video_mask"));
    const auto scores = model->head().score(text, video) * (is_glscl ? torch::ones({}) : model->logit_scale());
    const auto* key = is_glscl ? "S_eval" : "step0.S";
    const auto worst = (scores - golden.want(key)).abs().max().item<double>();
    EXPECT_LE(worst, golden.atol(key));

    const auto exported = folder_ / (name + "_exported");
    export_model(checkpoint, "reference", exported);
    std::set<std::string> ours, theirs;
    for (const auto& [weight, tensor] : read_torch_file(exported / "model.pt").tensors) ours.insert(weight);
    for (const auto& [weight, tensor] : golden.weights) {
      if (!is_unused(weight)) theirs.insert(weight);
    }
    EXPECT_EQ(ours, theirs);
  }
  EXPECT_GE(found, std::getenv("GLINT_GOLDEN_DIR") == nullptr ? 2 : 0);  // tests/golden's
}

}  // namespace
}  // namespace glint::test
