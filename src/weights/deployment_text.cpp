#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "weights/deployment.h"
#include "weights/tokenizer_files.h"
#include "weights/tower_description_json.h"

// usage.md of a deployed model. Tests run the Python that stands in it.
namespace glint {
namespace {

namespace fs = std::filesystem;

const char* what_is(const std::string& file) {
  if (file == "model.safetensors") return "all weights: `clip.*` (OpenAI's names), `temporal.*`, `head.*`";
  if (file == "towers.pt") return "the two towers, weights and code, as a TorchScript archive";
  if (file == "config.yaml") return "glint's settings of the model";
  if (file == "state.json") return "glint's checksums";
  if (file == "deploy.json") return "what goes in and how, for other programs";
  if (file == kClipVocabularyFile) return "CLIP's vocabulary";
  return "the tokenizer, a sentencepiece model";
}

std::string files_text(const std::vector<fs::path>& files) {
  std::string text = "## Files\n\n| file | what | bytes |\n|---|---|---:|\n";
  for (const auto& file : files) {
    const auto name = file.filename().string();
    text += concat("| `", name, "` | ", what_is(name), " | ", files::size(file), " |\n");
  }
  return text + "\n`sha256sum -c SHA256SUMS` checks them.\n\n";
}

std::string sizes_text(const Deployment& deployment) {
  const auto& sizes = deployment.sizes;
  const auto& config = deployment.checkpoint->config;
  return concat("| | |\n|---|---|\n| image tower | ", sizes.vision_layers, " layers of width ", sizes.vision_width,
                ", patches of ", sizes.patch_size, " in ", sizes.image_size, " x ", sizes.image_size,
                " pixels |\n| text tower | ", sizes.text_layers, " layers of width ", sizes.text_width, ", ",
                sizes.context_length, " positions, ", sizes.vocabulary_size, " tokens |\n| D, width of features | ",
                sizes.embed_dim, " |\n| L, tokens of a text at most | ", config.text.max_words,
                " |\n| T, frames of a video at most | ", config.video.num_frames, " |\n| parameters | ",
                deployment.parameters, ", float32 |\n\n");
}

std::string glint_text() {
  return "## With glint\n\n```\n"
         "glint encode FOLDER --texts queries.txt --videos clips --out features.safetensors\n"
         "glint eval FOLDER data.name=msrvtt data.root=data/msrvtt\n"
         "glint train CONFIG model.weights=FOLDER\n```\n\n"
         "FOLDER is this one, wherever it lies. `glint encode` writes the towers' features as they are, not "
         "normalised: "
         "`text.sentence` [A, D],\n`text.words` [A, L, D], `video.frames` [B, T, D] (after the temporal encoder), "
         "`video.clip_frames` (before it), `video.mask` [B, T].\n\n";
}

// --- Python

std::string python_tokens(const Deployment& deployment) {
  const auto& tokenizer = *deployment.checkpoint->tokenizer;
  const auto length = deployment.checkpoint->config.text.max_words;
  const auto file = concat("f\"{folder}/", tokenizer_file_name(tokenizer), "\"");
  if (tokenizer.name() == "clip") {
    return concat("from open_clip.tokenizer import SimpleTokenizer\n\npieces = SimpleTokenizer(", file,
                  ")\n\ndef tokens(texts):  # -> [A, L]\n    return pieces(texts, context_length=", length, ")\n");
  }
  const bool is_siglip = tokenizer.name() == "siglip";
  const auto special = is_siglip ? 1 : 2;  // tokens besides the text's
  return concat(
      "import string, unicodedata\nfrom sentencepiece import SentencePieceProcessor\n\npieces = "
      "SentencePieceProcessor(model_file=",
      file, ")\n\ndef tokens(texts):  # -> [A, L]\n    rows = []\n    for text in texts:\n        text = ",
      is_siglip ? "' '.join(text.lower().translate(str.maketrans('', '', string.punctuation)).split())"
                : "unicodedata.normalize('NFKC', text).casefold()",
      "\n        ids = ", is_siglip ? "" : concat("[", tokenizer.start_id(), "] + "),
      "pieces.encode(text)[:", length - special, "] + [", tokenizer.end_id(), "]\n        rows.append(ids + [",
      tokenizer.padding_id(), "] * (", length, " - len(ids)))\n    return torch.tensor(rows)\n");
}

std::string python_picture(const Deployment& deployment) {
  const auto& sizes = deployment.sizes;
  const auto& scale = pixel_scale(sizes.kind);
  const auto side = sizes.image_size;
  const bool squash = deployment.checkpoint->config.video.fit == "squash";
  std::string steps = squash ? concat("t.Resize((", side, ", ", side, "), t.InterpolationMode.BICUBIC)")
                             : concat("t.Resize(", side, ", t.InterpolationMode.BICUBIC), t.CenterCrop(", side, ")");
  if (deployment.as_script) {
    steps += ", t.PILToTensor()";
  } else {
    steps += concat(", t.ToTensor(),\n                     t.Normalize(", json_text(nlohmann::json(scale.mean)), ", ",
                    json_text(nlohmann::json(scale.stddev)), ")");
  }
  return concat("picture = t.Compose([", steps, "])\n");
}

std::string python_towers(const Deployment& deployment) {
  const auto pad = deployment.sizes.context_length - deployment.checkpoint->config.text.max_words;
  if (deployment.as_script) {
    return "towers = torch.jit.load(f\"{folder}/towers.pt\")\n\n"
           "@torch.no_grad()\ndef encode_texts(texts):  # -> [A, D]\n    ids = tokens(texts)\n"
           "    mask = (torch.arange(ids.size(1)) <= ids.argmax(1, keepdim=True)).long()  # 1 up to the end token\n"
           "    return towers.encode_text(ids, mask)[0]\n\n"
           "@torch.no_grad()\ndef encode_frames(pictures):  # PIL's, in RGB -> [T, D]\n"
           "    frames = torch.stack([picture(p) for p in pictures])  # uint8\n"
           "    return towers.encode_image(towers.normalise(frames))\n";
  }
  const auto model = open_clip_config(deployment.sizes).at("model_cfg");
  return concat("weights = load_file(f\"{folder}/model.safetensors\")\ntowers = open_clip.CLIP(**json.loads('''",
                json_text(model),
                "''')).eval()\n"
                "towers.load_state_dict({name[5:]: w for name, w in weights.items() if name.startswith('clip.')})\n\n"
                "@torch.no_grad()\ndef encode_texts(texts):  # -> [A, D]\n"
                "    return towers.encode_text(torch.nn.functional.pad(tokens(texts), (0, ",
                pad,
                ")))\n\n@torch.no_grad()\ndef encode_frames(pictures):  # PIL's, in RGB -> [T, D]\n"
                "    return towers.encode_image(torch.stack([picture(p) for p in pictures]))\n");
}

bool scores_in_python(const Config& config) {
  return std::holds_alternative<MeanPoolConfig>(config.head) && config.model.temporal == "none";
}

// Why no library but glint opens these weights; empty where open_clip does.
std::string obstacle(const Deployment& deployment) {
  if (deployment.as_script) return {};
  if (!deployment.checkpoint->config.model.clustering.stages.empty()) {
    return "This image tower merges tokens between its blocks (CenterCLIP), which no other library does. `glint "
           "encode` "
           "writes features for Python.\n\n";
  }
  const bool has_siglip_parts =
      deployment.sizes.kind != TowerKind::kClip || deployment.sizes.activation == Activation::kGeluTanh;
  if (!has_siglip_parts) return {};
  return "transformers opens these towers from `glint export FOLDER OUT --format huggingface`, PyTorch alone from "
         "`--format torchscript`, which brings\nits own usage.md. `glint encode` writes features for Python.\n\n";
}

std::string python_text(const Deployment& deployment) {
  if (const auto why = obstacle(deployment); !why.empty()) return "## In Python\n\n" + why;
  const auto& config = deployment.checkpoint->config;
  std::string code = "folder = \".\"\n\n";
  code += deployment.as_script ? "import torch\n"
                               : "import json, open_clip, torch\nfrom safetensors.torch import load_file\n";
  code += "from torchvision import transforms as t\n" + python_tokens(deployment) + "\n" + python_picture(deployment) +
          python_towers(deployment);
  if (scores_in_python(config)) {
    code +=
        "\nunit = torch.nn.functional.normalize\n\n"
        "def scores(texts, videos):  # [A, D], and [T, D] of each video -> [A, B]\n"
        "    pooled = [unit(unit(frames, dim=-1).mean(0), dim=0) for frames in videos]\n"
        "    return unit(texts, dim=-1) @ torch.stack(pooled).T\n";
  }
  std::string remark;
  if (deployment.checkpoint->tokenizer->name() == "sentencepiece") {
    remark = "glint repairs broken Unicode before the tokenizer, which these lines do not.\n\n";
  }
  return "## In Python\n\n```python\n" + code + "```\n\n" + remark;
}

// --- words

std::string head_text(const HeadConfig& head) {
  const auto name = head_name(head);
  if (name == "mean_pool") {
    return "The score of a text and a video is a cosine: of the text's feature with the mean of the video's unit frame "
           "features.";
  }
  return concat("The head `", name,
                "` scores a text and a video from their features: sentence, words, frames, masks. "
                "Its formula, written out, is `src/model/literal/` in glint's sources; `glint eval` computes it.");
}

std::string scores_text(const Deployment& deployment) {
  const auto& config = deployment.checkpoint->config;
  const auto& scores = deployment.settings.at("scores");
  std::string text = "## From features to scores\n\n" + head_text(config.head) + "\n";
  if (config.model.temporal != "none") {
    text += concat("Before it the temporal encoder `", config.model.temporal,
                   "` lets the frames of a video see one another",
                   deployment.as_script ? "; neither is in this folder" : "", ".\n");
  }
  text += concat("Higher is better, and ranking needs no more. Training compares score x ",
                 json_text(scores.at("logit_scale")));
  if (!scores.at("logit_bias").is_null()) text += concat(" + (", json_text(scores.at("logit_bias")), ")");
  return text + " (`scores` in deploy.json).\n\n";
}

const char* sampling_text(const std::string& policy) {
  if (policy == "uniform_3fps") return "the frames on screen at 0, 1/3, 2/3, ... s; of more than T the T spread evenly";
  if (policy == "clip4clip") return "`fps` frames at the start of each second; of more than T the T spread evenly";
  if (policy == "glscl") return "every round(frame rate / `fps`)-th frame; of more than T the T spread evenly";
  return "the middle frames of T equal pieces";
}

std::string input_text(const Deployment& deployment) {
  const auto& config = deployment.checkpoint->config;
  return concat("## What goes in\n\n- Frames of a video (`", config.video.sampling,
                "`): ", sampling_text(config.video.sampling), ".\n- A picture: RGB, ",
                config.video.fit == "squash" ? "both sides resized to " : "the short side resized to ",
                deployment.sizes.image_size, " pixels (bicubic with antialiasing, as Pillow's)",
                config.video.fit == "squash" ? "" : ", the middle square",
                ", / 255, then (x - mean) / std a channel.\n- A text: tokenizer `",
                deployment.checkpoint->tokenizer->name(), "`, at most ", config.text.max_words,
                " tokens with the end token, then padding.\n\nAll numbers stand in deploy.json.\n");
}

}  // namespace

std::string usage_text(const Deployment& deployment, const std::vector<fs::path>& files) {
  const auto& config = deployment.checkpoint->config;
  const auto* towers = deployment.sizes.kind == TowerKind::kClip ? "CLIP" : "SigLIP";
  const auto title =
      deployment.as_script
          ? concat("# ", towers,
                   " towers of a text-video retrieval model\n\nWritten by `glint export "
                   "--format torchscript`")
          : concat("# A text-video retrieval model\n\n", towers, " towers, temporal encoder `", config.model.temporal,
                   "`, head `", head_name(config.head), "`. Written by `glint export --format deploy`");
  const auto steps = deployment.checkpoint->state.step;
  return concat(title, steps > 0 ? concat(" after ", steps, " training steps") : "", ".\n\n", sizes_text(deployment),
                files_text(files), deployment.as_script ? "" : glint_text(), python_text(deployment),
                scores_text(deployment), input_text(deployment));
}

}  // namespace glint
