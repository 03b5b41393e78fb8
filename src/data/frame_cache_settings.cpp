#include "data/frame_cache_settings.h"

#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

namespace glint::cache {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSettingsFormat = 1;
constexpr std::size_t kFileLimit = 1 << 16;  // bytes
constexpr char kPictures[] = "pictures";
constexpr char kFrames[] = "frames";
// Left out where it is 0, so that caches made before there was this setting stay what they are.
constexpr char kMaxSeconds[] = "video.max_seconds";

Json settings_of(const DataConfig& data, const VideoConfig& video) {
  const bool pictures = video.augment != "none";
  Json json;
  json["format"] = kSettingsFormat;
  json["decoder"] = kDecoderVersion;
  json["content"] = pictures ? kPictures : kFrames;
  json["video.image_size"] = pictures ? 0 : video.image_size;
  json["video.fit"] = pictures ? "" : video.fit;
  json["video.sampling"] = video.sampling;
  json["video.num_frames"] = video.num_frames;
  json["video.fps"] = video.fps;
  if (video.max_seconds > 0) json[kMaxSeconds] = video.max_seconds;
  json["video.apply_rotation"] = video.apply_rotation;
  json["data.cache_codec"] = data.cache_codec;
  json["data.cache_quality"] = data.cache_codec == "jpeg" ? data.cache_quality : 0;
  return json;
}

// Where `theirs` does not give what `ours` asks for; empty where it does.
std::string differences(const Json& theirs, const Json& ours, const VideoConfig& video) {
  if (theirs.at("content") == kFrames && ours.at("content") == kPictures) {
    return concat("it keeps frames made for video.augment none, and ", video.augment,
                  " needs the pictures they are made of");
  }
  const bool keeps_pictures = theirs.at("content") == kPictures;  // of which any frames can be made
  std::string text;
  if (const double was = theirs.value(kMaxSeconds, 0.0); was != video.max_seconds) {
    text = concat(kMaxSeconds, " is ", was, " there and ", video.max_seconds, " now");
  }
  for (const auto& [key, value] : ours.items()) {
    const bool of_frames = key == "video.image_size" || key == "video.fit";
    if (key == "content" || key == kMaxSeconds || (of_frames && keeps_pictures) || theirs.at(key) == value) continue;
    text += concat(text.empty() ? "" : ", ", key, " is ", json_text(theirs.at(key)), " there and ", json_text(value),
                   " now");
  }
  return text;
}

Json parse(const fs::path& path) {
  const Json json = parse_json_object(read_text(path, kFileLimit), path.string());
  VideoConfig like;
  if (json.contains(kMaxSeconds)) like.max_seconds = 1;
  const auto expected = settings_of({}, like);
  bool sound = json.size() == expected.size();
  for (const auto& [key, value] : expected.items()) {
    const bool same_kind = sound && json.contains(key) &&
                           (json.at(key).type() == value.type() || (json.at(key).is_number() && value.is_number()));
    sound = sound && same_kind;
  }
  const auto is_one_of = [&](const char* key, std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), json.at(key).get<std::string>()) != words.end();
  };
  if (!sound || !is_one_of("content", {kFrames, kPictures}) ||
      !is_one_of("data.cache_codec", {"raw", "yuv420", "jpeg"})) {
    throw Error(path.string(), ": is damaged, or of another version of glint; make the cache anew in another folder");
  }
  return json;
}

}  // namespace

std::string settings_text(const DataConfig& data, const VideoConfig& video) {
  return json_text(settings_of(data, video), 2) + "\n";
}

Settings read_settings(const fs::path& folder, const DataConfig& data, const VideoConfig& video) {
  const auto path = folder / "settings.json";
  if (!files::exists(path)) {
    throw Error(folder.string(),
                ": holds no frame cache (settings.json is not there); make one with glint data cache, or "
                "set data.cache to nothing");
  }
  const auto json = parse(path);
  const auto differ = differences(json, settings_of(data, video), video);
  if (!differ.empty()) {
    throw Error(folder.string(), ": the frame cache was made for other settings (", differ,
                "); name another folder, or delete this one and run glint data cache again");
  }
  Settings settings;
  settings.keeps_pictures = json.at("content") == kPictures;
  settings.codec = codec_of(json.at("data.cache_codec"));
  settings.quality = json.at("data.cache_quality").get<int>();
  const auto text = json_text(json);
  settings.hash = xxhash64(text.data(), text.size());
  return settings;
}

}  // namespace glint::cache
