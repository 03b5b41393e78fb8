#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "glint/config/config_file.h"
#include "glint/model/retrieval_model.h"
#include "glint/weights/checkpoint.h"
#include "glint/weights/export.h"
#include "glint/weights/import.h"
#include "support/environment.h"
#include "support/python.h"
#include "train/real_frames.h"

// Slow: models that transformers and open_clip made give the same embeddings here, and ours there.

namespace glint::test {
namespace {

constexpr int64_t kPretrainedSide = 32;  // pixels of the models below
constexpr double kTolerance = 1e-5;
const std::vector<std::string> kPretrainedCaptions = {"a man is playing a guitar on stage",
                                                      "A dog: runs, after the ball!",
                                                      "two people cooking  something in a kitchen", "x"};

// What Python's scripts begin with.
constexpr auto kBegin = R"(
import json, math, os, sys, torch
from safetensors.torch import load_file, save_file
folder = sys.argv[1] + '/'
given = load_file(folder + 'given.safetensors')
captions = json.load(open(folder + 'captions.json'))
def pixels(mean, std):
    x = given['frames'].float() / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
HALF = ([0.5] * 3, [0.5] * 3)
def plain(x):
    return x.pooler_output if hasattr(x, 'pooler_output') else x
)";

class PretrainedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
    frames_ = real_frames(kPretrainedSide);
    std::ofstream(folder_ / "captions.json")
        << R"(["a man is playing a guitar on stage", "A dog: runs, after the ball!",
        "two people cooking  something in a kitchen", "x"])";
    const auto batch = clip_tokenizer()->batch(kPretrainedCaptions, 20);
    ids_ = torch::tensor(batch.ids).view({batch.rows, 20});
    mask_ = torch::tensor(batch.mask).view({batch.rows, 20});
    write_safetensors(folder_ / "given.safetensors", {{"frames", frames_}, {"ids", ids_}, {"mask", mask_}});
  }

  bool run(const std::string& script) { return run_test_python(kBegin + script, {folder_.path().string()}); }

  // Imports `name`, and compares its embeddings with those in `expected`: image, text, and perhaps ids.
  ImportedModel expect_same(const std::string& name, const std::string& expected, const ImportOptions& options = {}) {
    SCOPED_TRACE(name);
    auto imported = import_model(folder_ / name, options);
    const auto want = read_safetensors(folder_ / expected).tensors;
    compare(imported.config, *imported.tokenizer, imported.weights, want);
    return imported;
  }

  void compare(const Config& config, const Tokenizer& tokenizer, const TensorMap& weights, const TensorMap& want) {
    torch::NoGradGuard no_grad;
    Checkpoint checkpoint;
    checkpoint.config = config;
    checkpoint.model = weights;
    const auto model = restore_model(checkpoint);
    auto ids = ids_, mask = mask_;
    if (want.contains("ids")) {
      const auto batch = tokenizer.batch(kPretrainedCaptions, config.text.max_words);
      ids = torch::tensor(batch.ids).view({batch.rows, -1});
      mask = torch::tensor(batch.mask).view({batch.rows, -1});
      EXPECT_TRUE(torch::equal(ids, want.at("ids"))) << ids << want.at("ids");
    }
    const auto image = model->clip().encode_image(model->clip().normalise(frames_));
    const auto text = model->clip().encode_text(ids, mask, TextMask::kCausal).second;
    expect_close(image, want.at("image"), "image");
    expect_close(text, want.at("text"), "text");
  }

  static void expect_close(const torch::Tensor& ours, const torch::Tensor& theirs, const std::string& what) {
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << what;
    EXPECT_GT(theirs.abs().max().item<double>(), 0.01) << what;
    EXPECT_LE((ours - theirs).abs().max().item<double>(), kTolerance) << what;
  }

  // The embeddings of a checkpoint for the other side to compare with.
  void write_ours(const std::filesystem::path& checkpoint_folder) {
    torch::NoGradGuard no_grad;
    const auto model = restore_model(load_checkpoint(checkpoint_folder));
    write_safetensors(folder_ / "ours.safetensors",
                      {{"image", model->clip().encode_image(model->clip().normalise(frames_))},
                       {"text", model->clip().encode_text(ids_, mask_, TextMask::kCausal).second}});
  }

  const TemporaryFolder folder_;
  torch::Tensor frames_, ids_, mask_;
};

constexpr auto kMakeHuggingFaceClip = R"(
from transformers import CLIPConfig, CLIPModel
def make(act, seed):
    torch.manual_seed(seed)
    config = CLIPConfig(projection_dim=24,
        text_config=dict(vocab_size=49408, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                         max_position_embeddings=21, hidden_act=act, eos_token_id=49407, bos_token_id=49406),
        vision_config=dict(hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=3, image_size=32,
                           patch_size=8, hidden_act=act))
    model = CLIPModel(config).eval()
    with torch.no_grad():
        for p in model.parameters(): p.add_(torch.randn_like(p) * 0.05)
    return model
def embeddings(model):
    with torch.no_grad():
        return {'image': plain(model.get_image_features(pixel_values=pixels(*CLIP))).contiguous(),
                'text': plain(model.get_text_features(input_ids=given['ids'], attention_mask=given['mask'])).contiguous()}
)";

TEST_F(PretrainedTest, HuggingFacesClipGivesItsEmbeddingsFromEveryKindOfFile) {
  ASSERT_TRUE(run(std::string(kMakeHuggingFaceClip) + R"(
for act, seed in (('quick_gelu', 1), ('gelu', 2)):
    model = make(act, seed)
    save_file(embeddings(model), folder + act + '.expected')
    model.save_pretrained(folder + act)
    model.save_pretrained(folder + act + '_parts', max_shard_size='2MB')
    os.makedirs(folder + act + '_bin')
    model.config.save_pretrained(folder + act + '_bin')
    torch.save(model.state_dict(), folder + act + '_bin/pytorch_model.bin')
)"));
  for (const std::string act : {"quick_gelu", "gelu"}) {
    for (const std::string form : {"", "_parts", "_bin"}) {
      const auto imported = expect_same(act + form, act + ".expected");
      EXPECT_EQ(imported.config.model.towers.activation, act);
      EXPECT_EQ(imported.config.video.image_size, kPretrainedSide);
    }
  }
}

TEST_F(PretrainedTest, OpenClipsModelsGiveTheirEmbeddings) {
  ASSERT_TRUE(run(R"(
import open_clip
for name, quick, custom in (('plain', False, False), ('quick', True, False), ('custom', False, True)):
    torch.manual_seed(4)
    cfg = dict(embed_dim=24, quick_gelu=quick, vision_cfg=dict(image_size=32, layers=3, width=48, head_width=16, patch_size=8),
               text_cfg=dict(context_length=21, vocab_size=49408, width=32, heads=4, layers=2))
    cls = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    model = cls(**cfg).eval()
    with torch.no_grad():
        for p in model.parameters(): p.add_(torch.randn_like(p) * 0.05)
        ids = torch.nn.functional.pad(given['ids'], (0, 1))
        save_file({'image': model.encode_image(pixels(*CLIP)).contiguous(), 'text': model.encode_text(ids).contiguous()},
                  folder + name + '.expected')
    os.makedirs(folder + name)
    json.dump({'model_cfg': cfg}, open(folder + name + '/open_clip_config.json', 'w'))
    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    if custom: torch.save({'state_dict': {'module.' + k: v for k, v in state.items()}, 'epoch': 3}, folder + name + '/epoch_3.pt')
    else: save_file(state, folder + name + '/open_clip_model.safetensors')
)"));
  for (const std::string name : {"plain", "quick", "custom"}) {
    const auto imported = expect_same(name, name + ".expected");
    EXPECT_EQ(imported.config.model.towers.activation, name == "quick" ? "quick_gelu" : "gelu");
  }
}

// The layout of OpenAI's files: a scripted module in float16 with three integers.
TEST_F(PretrainedTest, AnArchiveOfOpenAisLayoutIsItsUpcast) {
  ASSERT_TRUE(run(R"(
import open_clip
torch.manual_seed(5)
model = open_clip.CLIP(embed_dim=24, quick_gelu=True, vision_cfg=dict(image_size=32, layers=2, width=64, patch_size=8),
                       text_cfg=dict(context_length=21, vocab_size=49408, width=64, heads=1, layers=2)).eval()
with torch.no_grad():
    for p in model.parameters(): p.add_(torch.randn_like(p) * 0.05); p.copy_(p.half().float())
    ids = torch.nn.functional.pad(given['ids'], (0, 1))
    save_file({'image': model.encode_image(pixels(*CLIP)).contiguous(), 'text': model.encode_text(ids).contiguous()},
              folder + 'openai.expected')
class Node(torch.nn.Module):
    def forward(self, x: torch.Tensor): return x
root = Node()
for name, p in model.named_parameters():
    node = root
    *path, leaf = name.split('.')
    for part in path:
        if not hasattr(node, part): node.add_module(part, Node())
        node = getattr(node, part)
    node.register_parameter(leaf, torch.nn.Parameter(p.detach().half(), requires_grad=False))
root.input_resolution, root.context_length, root.vocab_size = 32, 21, 49408
torch.jit.save(torch.jit.script(root), folder + 'openai.pt')
)"));
  const auto imported = expect_same("openai.pt", "openai.expected");
  EXPECT_EQ(imported.assumed, "");  // such an archive is OpenAI's, whose heads all have 64 columns
  EXPECT_TRUE(imported.remarks.empty());
}

TEST_F(PretrainedTest, SiglipGivesItsEmbeddingsAndTokens) {
  ASSERT_TRUE(run(R"(
import sentencepiece
from transformers import SiglipConfig, SiglipModel
os.makedirs(folder + 'siglip')
words = captions * 3 + ['the quick brown fox jumps over lazy dogs while playing %d songs' % i for i in range(200)]
open(folder + 'text.txt', 'w').write('\n'.join(words))
sentencepiece.SentencePieceTrainer.train(input=folder + 'text.txt', model_prefix=folder + 'siglip/spiece', vocab_size=150,
    pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name='nmt_nfkc', hard_vocab_limit=False, minloglevel=2)
torch.manual_seed(6)
model = SiglipModel(SiglipConfig(
    text_config=dict(vocab_size=200, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                     max_position_embeddings=16, projection_size=48, pad_token_id=1, bos_token_id=0, eos_token_id=1),
    vision_config=dict(hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=3, image_size=32,
                       patch_size=8))).eval()
with torch.no_grad():
    for p in model.parameters(): p.add_(torch.randn_like(p) * 0.05)
sp = sentencepiece.SentencePieceProcessor(model_file=folder + 'siglip/spiece.model')
import re, string
rows = []
for caption in captions:  # transformers' canonicalize_text
    text = re.sub(r'\s+', ' ', caption.lower().translate(str.maketrans('', '', string.punctuation))).strip()
    ids = sp.encode(text)[:15] + [1]
    rows.append(ids + [1] * (16 - len(ids)))
ids = torch.tensor(rows)
try:
    from transformers import SiglipTokenizer
    theirs = SiglipTokenizer(folder + 'siglip/spiece.model')(captions, padding='max_length', max_length=16, truncation=True,
                                                           return_tensors='pt')['input_ids']
    assert torch.equal(ids, theirs), (ids, theirs)
except (ImportError, TypeError) as problem:
    print('SiglipTokenizer not compared:', problem)
with torch.no_grad():
    save_file({'image': plain(model.get_image_features(pixel_values=pixels(*HALF))).contiguous(),
               'text': plain(model.get_text_features(input_ids=ids)).contiguous(), 'ids': ids}, folder + 'siglip.expected')
model.save_pretrained(folder + 'siglip')
)"));
  const auto imported = expect_same("siglip", "siglip.expected");
  EXPECT_EQ(imported.config.train.loss, "sigmoid");

  save_checkpoint(folder_ / "ours", imported.config, *imported.tokenizer, imported.weights);
  export_model(load_checkpoint(folder_ / "ours"), "huggingface", folder_ / "back");
  ASSERT_TRUE(run(R"(
from transformers import SiglipModel, SiglipProcessor
model = SiglipModel.from_pretrained(folder + 'back').eval()
want = load_file(folder + 'siglip.expected')
processor = SiglipProcessor.from_pretrained(folder + 'back')
ids = processor(text=captions, padding='max_length', truncation=True, return_tensors='pt')['input_ids']
assert torch.equal(ids, want['ids']), ids
from PIL import Image
pictures = [Image.fromarray(f.permute(1, 2, 0).contiguous().numpy()) for f in given['frames']]
seen = processor(images=pictures, return_tensors='pt')['pixel_values']
assert (seen - pixels(*HALF)).abs().max() <= 1e-5
with torch.no_grad():
    image = plain(model.get_image_features(pixel_values=pixels(*HALF)))
    text = plain(model.get_text_features(input_ids=want['ids']))
assert (image - want['image']).abs().max() <= 1e-5 and (text - want['text']).abs().max() <= 1e-5
)"));
}

TEST_F(PretrainedTest, WhatWeExportOpensInEveryLibraryWithOurEmbeddings) {
  ASSERT_TRUE(run(std::string(kMakeHuggingFaceClip) + "make('quick_gelu', 9).save_pretrained(folder + 'theirs')"));
  const auto imported = import_model(folder_ / "theirs");
  save_checkpoint(folder_ / "ours", imported.config, *imported.tokenizer, imported.weights);
  const auto checkpoint = load_checkpoint(folder_ / "ours");
  for (const auto* format : {"huggingface", "open_clip", "reference", "glint"}) {
    export_model(checkpoint, format, folder_ / format);
  }
  write_ours(folder_ / "ours");
  ASSERT_TRUE(run(std::string(kMakeHuggingFaceClip) + R"(
ours = load_file(folder + 'ours.safetensors')
def same(image, text):
    assert (image - ours['image']).abs().max() <= 1e-5, (image - ours['image']).abs().max()
    assert (text - ours['text']).abs().max() <= 1e-5, (text - ours['text']).abs().max()
model, info = CLIPModel.from_pretrained(folder + 'huggingface', output_loading_info=True)
assert not info['missing_keys'] and not info['unexpected_keys'] and not info['mismatched_keys'], info
theirs = embeddings(model.eval())
same(theirs['image'], theirs['text'])

from transformers import CLIPProcessor
processor = CLIPProcessor.from_pretrained(folder + 'huggingface')
batch = processor(text=captions, padding='max_length', max_length=20, truncation=True, return_tensors='pt')
real = given['mask'] == 1
assert torch.equal(batch['input_ids'][real], given['ids'][real]), batch['input_ids']
assert torch.equal(batch['attention_mask'], given['mask']), batch['attention_mask']
assert (batch['input_ids'][~real] == 49407).all()  # theirs pads with the end token, which changes no feature
more = ['', 'ünïcödé — ☃ and 한국어, 12,5 %', "it's 3.5 o'clock!!  <|endoftext|> x", 'word ' * 40]
with open(folder + 'more.json', 'w') as file: json.dump(more, file)
save_file({'ids': processor(text=more, padding='max_length', max_length=20, truncation=True, return_tensors='pt')['input_ids']},
          folder + 'more.expected')
from PIL import Image
pictures = [Image.fromarray(f.permute(1, 2, 0).contiguous().numpy()) for f in given['frames']]
assert (processor(images=pictures, return_tensors='pt')['pixel_values'] - pixels(*CLIP)).abs().max() <= 1e-5
with torch.no_grad():
    same(theirs['image'], plain(model.get_text_features(**batch)))

import open_clip
model, _, _ = open_clip.create_model_and_transforms('local-dir:' + folder + 'open_clip')
model.eval()
with torch.no_grad():
    same(model.encode_image(pixels(*CLIP)), model.encode_text(torch.nn.functional.pad(given['ids'], (0, 1))))

pt = torch.load(folder + 'reference/model.pt', weights_only=True)
st = load_file(folder + 'reference/model.safetensors')
assert pt.keys() == st.keys() and all(torch.equal(pt[k], st[k]) for k in pt), 'model.pt is not model.safetensors'
assert 'clip.visual.conv1.weight' in pt and 'clip.logit_scale' in pt
)"));
  const std::vector<std::string> more = {"", "ünïcödé — ☃ and 한국어, 12,5 %", "it's 3.5 o'clock!!  <|endoftext|> x",
                                         [] {
                                           std::string words;
                                           for (int i = 0; i < 40; ++i) words += "word ";
                                           return words;
                                         }()};
  const auto batch = imported.tokenizer->batch(more, 20);
  const auto real = torch::tensor(batch.mask).view({batch.rows, 20}) == 1;
  const auto theirs = read_safetensors(folder_ / "more.expected").tensors.at("ids");
  EXPECT_TRUE(
      torch::equal(theirs.masked_select(real), torch::tensor(batch.ids).view({batch.rows, 20}).masked_select(real)))
      << theirs;
  for (const auto* format : {"huggingface", "open_clip", "reference"}) {
    const auto again = import_model(folder_ / format);
    ASSERT_EQ(again.weights.size(), imported.weights.size()) << format;
    for (const auto& [name, tensor] : imported.weights) {
      EXPECT_TRUE(torch::equal(again.weights.at(name), tensor)) << format << ": " << name;
    }
  }
  EXPECT_EQ(load_checkpoint(folder_ / "glint").model.size(), imported.weights.size());
}

}  // namespace
}  // namespace glint::test
