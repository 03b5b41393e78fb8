#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "glint/core/atomic_file.h"
#include "support/environment.h"
#include "support/python.h"

// Slow: vectors that Python wrote give Python's own numbers.

namespace glint::test {
namespace {

// A tiny open_clip model on random pictures and texts: its vectors, ids and R@k.
constexpr auto kWriteVectors = R"(
import json, sys, numpy as np, torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
folder = sys.argv[1] + '/'
torch.manual_seed(3)
model = CLIP(32, CLIPVisionCfg(layers=2, width=64, head_width=32, patch_size=8, image_size=32),
             CLIPTextCfg(context_length=16, vocab_size=500, width=64, heads=2, layers=2)).eval()
videos, texts = 60, 150
owner = torch.arange(texts) % videos
with torch.no_grad():
    frames = torch.randn(videos, 3, 32, 32)
    ids = torch.randint(1, 499, (texts, 16))
    ids[:, -1] = 499
    v = model.encode_image(frames)
    t = model.encode_text(ids)
    # Of random weights the towers agree in nothing: a part of the right video's vector makes them.
    v = v - v.mean(0)
    t = t - t.mean(0)
    t = t / t.norm(dim=-1, keepdim=True) + 0.5 * (v / v.norm(dim=-1, keepdim=True))[owner]
np.save(folder + 't.npy', t.numpy())
np.save(folder + 'v.npy', v.numpy())
open(folder + 't.ids.txt', 'w').write(''.join(f'caption {i}\n' for i in range(texts)))
open(folder + 'v.ids.txt', 'w').write(''.join(f'video {i}\n' for i in range(videos)))
open(folder + 'pairs.tsv', 'w').write(''.join(f'caption {i}\tvideo {o}\n' for i, o in enumerate(owner.tolist())))
unit = lambda x: x.double() / x.double().norm(dim=-1, keepdim=True)
S = unit(t) @ unit(v).T
t2v = (S > S[torch.arange(texts), owner][:, None]).sum(1)
best = torch.stack([S[owner == i].max(0).values for i in range(videos)])  # [group, video]
v2t = (best > best.diagonal()).sum(0)
numbers = lambda r: {f'R@{k}': 100 * (r < k).double().mean().item() for k in (1, 5, 10, 50)} | {'MnR': r.double().mean().item() + 1}
json.dump({'t2v': numbers(t2v), 'v2t': numbers(v2t)}, open(folder + 'python.json', 'w'))
)";

TEST(OpenClipFeaturesTest, VectorsThatPythonWroteGivePythonsNumbers) {
  if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  const TemporaryFolder folder;
  const auto in = [&](const std::string& name) { return (folder / name).string(); };
  ASSERT_TRUE(run_test_python(kWriteVectors, {folder.path().string()}));
  const auto want = nlohmann::json::parse(read_file(in("python.json")));
  const auto result =
      run_program({"eval", "--features", in("t.npy"), in("v.npy"), "--truth", in("pairs.tsv"), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto got = nlohmann::json::parse(result.out);
  for (const std::string direction : {"t2v", "v2t"}) {
    for (const auto& [metric, value] : want.at(direction).items())
      EXPECT_NEAR(got.at(direction).at(metric).get<double>(), value.get<double>(), 1e-9) << direction << " " << metric;
  }
  EXPECT_LT(want.at("t2v").at("R@1").get<double>(), 100);
  EXPECT_GT(want.at("t2v").at("R@1").get<double>(), 10);
}

}  // namespace
}  // namespace glint::test
