#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "glint/media/frame_transform.h"
#include "glint/weights/export.h"
#include "support/environment.h"
#include "support/python.h"
#include "train/real_frames.h"

// Slow: the Python that stands in usage.md gives glint's features.

namespace glint::test {
namespace {

constexpr int64_t kDeployedSide = 32, kLargerSide = 80;  // pixels of the towers, and of the pictures they are made of
constexpr int64_t kWords = 12;                           // L
const std::vector<std::string> kDeployedCaptions = {
    "a man is playing a guitar on stage", "A dog: runs, after the ball!",
    "two people cooking  something in a kitchen, and a third one who waits", "x"};

class DeploymentPythonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  }

  TowerSizes sizes(TowerKind kind, int64_t vocabulary_size) const {
    TowerSizes sizes{.embed_dim = 48,
                     .image_size = kDeployedSide,
                     .patch_size = 8,
                     .vision_width = 48,
                     .vision_layers = 2,
                     .text_width = 32,
                     .text_layers = 2,
                     .context_length = 21,
                     .vocabulary_size = vocabulary_size,
                     .vision_heads = 3,
                     .text_heads = 4};
    sizes.kind = kind;
    if (kind == TowerKind::kSiglip) {
      sizes.activation = Activation::kGeluTanh;
      sizes.has_logit_bias = true;
      sizes.context_length = kWords;
    }
    return sizes;
  }

  // The pictures as the towers take them. -> uint8 [T, 3, R, R]
  torch::Tensor transformed(const torch::Tensor& pictures, Fit fit) const {
    FrameTransform transform(kDeployedSide, fit);
    auto frames = torch::empty({pictures.size(0), 3, kDeployedSide, kDeployedSide}, torch::kUInt8);
    for (int64_t t = 0; t < pictures.size(0); ++t) {
      Image image(kLargerSide, kLargerSide);
      const auto rows = pictures[t].permute({1, 2, 0}).contiguous();  // [R, R, 3]
      std::memcpy(image.rgb.data(), rows.const_data_ptr<std::uint8_t>(), image.rgb.size());
      transform.apply(image, frames[t].data_ptr<std::uint8_t>());
    }
    return frames;
  }

  // Deploys a model of such towers, runs the page's Python in the folder, and compares with glint.
  void expect_the_page_holds(const TowerSizes& towers, std::shared_ptr<const Tokenizer> tokenizer,
                             const std::string& format) {
    SCOPED_TRACE(format + " " + tokenizer->name());
    torch::NoGradGuard no_grad;
    torch::manual_seed(2);
    const bool is_siglip = towers.kind == TowerKind::kSiglip;
    Config config;
    config.model.towers = tower_config(towers);
    config.model.temporal = "none";
    config.model.text_mask = is_siglip ? "causal" : "causal_padding";
    config.head = MeanPoolConfig{};
    config.text.tokenizer = tokenizer->name();
    config.text.max_words = kWords;
    config.video.image_size = kDeployedSide;
    config.video.fit = is_siglip ? "squash" : "crop";
    RetrievalModel model(config.model, config.head, towers, {towers.embed_dim, kWords, config.video.num_frames});
    for (auto& parameter : model.parameters()) parameter.add_(torch::randn_like(parameter) * 0.05);
    TensorMap weights;
    for (const auto& item : model.named_parameters()) weights[item.key()] = item.value();
    save_checkpoint(folder_ / "run", config, *tokenizer, weights);
    const auto out = folder_ / (format + "_" + tokenizer->name());
    export_model(load_checkpoint(folder_ / "run"), format, out);

    const auto pictures = real_frames(kLargerSide);  // uint8 [T, 3, R, R]
    const auto frames = transformed(pictures, is_siglip ? Fit::kSquash : Fit::kCrop);
    const auto batch = tokenizer->batch(kDeployedCaptions, kWords);
    const auto ids = torch::tensor(batch.ids).view({batch.rows, kWords});
    const auto mask = torch::tensor(batch.mask).view({batch.rows, kWords});
    const auto text = model.text_features(ids, mask);
    const auto video = model.video_features(frames.unsqueeze(0), torch::ones({1, frames.size(0)}, torch::kInt64));
    const auto scores =
        model.head().score(model.encode_text(ids, mask),
                           model.encode_video(frames.unsqueeze(0), torch::ones({1, frames.size(0)}, torch::kInt64)));
    write_safetensors(folder_ / "want.safetensors", {{"ids", ids},
                                                     {"pictures", pictures},
                                                     {"sentence", text.sentence},
                                                     {"frames", video.frames[0]},
                                                     {"scores", scores}});
    write_file(folder_ / "captions.json", nlohmann::json(kDeployedCaptions).dump());
    EXPECT_TRUE(run_test_python(kRunThePage, {out.string(), folder_.path().string()}));
  }

  static constexpr auto kRunThePage = R"(
import json, os, re, subprocess, sys
out, given = sys.argv[1:]
os.chdir(out)
subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], check=True)
page = open('usage.md').read()
exec(re.search(r'```python\n(.*?)```', page, re.S).group(1))
from PIL import Image
from safetensors.torch import load_file
want = load_file(given + '/want.safetensors')
captions = json.load(open(given + '/captions.json'))
pictures = [Image.fromarray(p.permute(1, 2, 0).contiguous().numpy()) for p in want['pictures']]
def same(name, ours, theirs, most=1e-5):
    worst = (ours - theirs).abs().max().item()
    print(f'{os.path.basename(out)} {name}: largest difference {worst:.2g}')
    assert ours.shape == theirs.shape and worst <= most, name
same('ids', want['ids'], tokens(captions), 0)
texts, frames = encode_texts(captions), encode_frames(pictures)
same('texts', want['sentence'], texts)
same('frames', want['frames'], frames)
same('scores', want['scores'], scores(texts, [frames]))
if os.path.exists('towers.pt'):
    assert towers.image_size == 32 and towers.embed_dim == 48
)";

  const TemporaryFolder folder_;
};

TEST_F(DeploymentPythonTest, ThePythonOnThePageGivesGlintsFeaturesAndScores) {
  const auto clip = clip_tokenizer();
  const auto trained = train_sentencepiece(kDeployedCaptions, 70);
  for (const auto* format : {"deploy", "torchscript"}) {
    expect_the_page_holds(sizes(TowerKind::kClip, clip->vocabulary_size()), clip, format);
    expect_the_page_holds(sizes(TowerKind::kClip, trained->vocabulary_size()), trained, format);
  }
}

TEST_F(DeploymentPythonTest, SoDoesThatOfSiglip) {
  ASSERT_TRUE(run_test_python(R"(
import sentencepiece, sys
folder = sys.argv[1] + '/'
words = ['the quick brown fox jumps over lazy dogs while playing %d songs' % i for i in range(200)]
open(folder + 'text.txt', 'w').write('\n'.join(words))
sentencepiece.SentencePieceTrainer.train(input=folder + 'text.txt', model_prefix=folder + 'spiece', vocab_size=120, pad_id=0,
    eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name='nmt_nfkc', hard_vocab_limit=False, minloglevel=2)
)",
                              {folder_.path().string()}));
  const auto tokenizer = siglip_tokenizer(read_file(folder_ / "spiece.model"));
  expect_the_page_holds(sizes(TowerKind::kSiglip, tokenizer->vocabulary_size()), tokenizer, "torchscript");
}

}  // namespace
}  // namespace glint::test
