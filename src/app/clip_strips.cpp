#include "app/clip_strips.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/json.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/core/text_file.h"
#include "glint/core/thread_pool.h"
#include "glint/data/clip_frames.h"
#include "glint/datasets/dataset.h"
#include "glint/media/film_strip.h"
#include "glint/media/video_reader.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

constexpr int kStripFrames = 4;
constexpr std::size_t kStripBytes = 8'000;
constexpr int kStripFormat = 1;
constexpr std::size_t kLengthsRead = 1'500;  // of clips without a strip: opening a file takes 5 to 100 ms

// What is kept of a clip.
struct KeptClip {
  std::string source;  // what the file was: another one is read again
  double duration_s = 0;
  std::string jpeg;  // file beside index.json; empty: only the length is known
  int width = 0, height = 0;
};
using KeptClips = std::map<std::string, KeptClip>;  // by id

// strips/index.json. One that is no such file any more counts as none: it is made anew.
KeptClips read_kept(const fs::path& folder) try {
  KeptClips kept;
  if (!files::exists(folder / "index.json")) return kept;
  const auto index = parse_json_object(read_text(folder / "index.json"), (folder / "index.json").string());
  if (index.value("format", 0) != kStripFormat || !index.contains("clips")) return kept;
  for (const auto& [id, clip] : index["clips"].items()) {
    const fs::path jpeg = clip.value("jpeg", "");
    if (jpeg != jpeg.filename()) continue;  // of this folder alone: a page is no place for other files
    kept[id] = {clip.value("source", ""), clip.value("duration_s", 0.0), jpeg.string(), clip.value("width", 0),
                clip.value("height", 0)};
  }
  return kept;
} catch (const nlohmann::json::exception&) {
  return {};
} catch (const BadFile&) {
  return {};
}

void write_kept(const fs::path& folder, const KeptClips& kept) {
  nlohmann::json clips = nlohmann::json::object();
  for (const auto& [id, clip] : kept) {
    clips[id] = {{"source", clip.source}, {"duration_s", clip.duration_s}};
    if (!clip.jpeg.empty()) clips[id].update({{"jpeg", clip.jpeg}, {"width", clip.width}, {"height", clip.height}});
  }
  write_file(folder / "index.json", json_text(nlohmann::json{{"format", kStripFormat}, {"clips", clips}}) + "\n");
}

// Changes with the file, the window and what is made of them.
std::string source_of(const Clip& clip) {
  const auto changed = files::changed(clip.file).time_since_epoch().count();
  return sha256(concat(clip.file.string(), "\n", files::size(clip.file), "\n", changed, "\n",
                       window_text(clip.start_s, clip.end_s)))
      .substr(0, 20);
}

struct ReadClip {
  double duration_s = 0;
  std::string jpeg;  // empty: not asked for
  int width = 0, height = 0;
  std::string problem;  // why nothing was read; empty: it was
};

ReadClip read_clip(const Clip& clip, const ReaderOptions& options, bool with_strip) try {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  VideoReader reader(clip.file.string(), options);
  const double begin = clip.start_s.value_or(0),
               end = std::min(clip.end_s.value_or(INFINITY), reader.info().duration_s);
  ReadClip read;
  read.duration_s = std::max(0.0, end - begin);
  if (!with_strip) return read;
  std::vector<std::int64_t> frames;
  for (int i = 0; i < kStripFrames; ++i)
    frames.push_back(reader.frame_at(begin + (i + 0.5) / kStripFrames * read.duration_s));
  FilmStrip strip(kStripFrames);
  reader.read_frames(frames, [&](std::size_t, const Image& image) { strip.add(image); });
  read.jpeg = small_jpeg(strip.image(), kStripBytes);
  read.width = strip.image().width;
  read.height = strip.image().height;
  return read;
} catch (const Error& problem) {
  return {0, "", 0, 0, problem.what()};
} catch (const NotNow& problem) {
  return {0, "", 0, 0, problem.what()};
}

// What is to be read of which clips.
class StripMaker {
 public:
  StripMaker(const RunRecord& run, const std::vector<std::string>& videos)
      : run_(run), folder_(run.evaluation.folder / "strips"), videos_(videos), kept_(read_kept(folder_)) {}

  void add_to(ReportMedia& media) {
    find_clips();
    read_missing();
    for (const auto& [id, clip] : kept_) {
      if (in_gallery_.count(id) > 0 && clip.duration_s > 0) media.duration_s[id] = clip.duration_s;
    }
    for (const auto& id : videos_) take_strip(id, media);
    if (media.strips.empty() && !videos_.empty())
      media.no_strips = concat("Pictures are left out: ", problem_.empty() ? "no video could be read" : problem_, ".");
  }

 private:
  // The files of the gallery's clips, where the data set is at hand.
  void find_clips() try {
    for (const auto& item : run_.evaluation.ranks.gallery) in_gallery_.insert(item.id);
    const auto split = run_.results.word("split");
    if (!run_.config || split.empty()) {
      problem_ = "the evaluation does not say where its videos are (config.yaml is not beside it)";
      return;
    }
    const auto dataset = read_dataset(run_.config->data, split);
    for (const auto& clip : dataset.clips) {
      if (in_gallery_.count(clip.id) > 0 && !clip.file.empty()) clips_.emplace(clip.id, clip);
    }
    if (clips_.empty()) problem_ = concat("no video of ", split, " is in ", dataset.videos.string());
  } catch (const Error& problem) {
    problem_ = problem.what();
  }

  bool is_known(const std::string& id, const Clip& clip, bool with_strip) const {
    const auto found = kept_.find(id);
    if (found == kept_.end() || found->second.source != source_of(clip)) return false;
    return !with_strip || (!found->second.jpeg.empty() && files::exists(folder_ / found->second.jpeg));
  }

  // Clips and whether their frames are wanted, not their length alone.
  std::vector<std::pair<Clip, bool>> missing() const {
    std::vector<std::pair<Clip, bool>> list;
    const std::set<std::string> shown(videos_.begin(), videos_.end());
    for (const auto& id : videos_) {
      const auto found = clips_.find(id);
      if (found != clips_.end() && !is_known(id, found->second, true)) list.emplace_back(found->second, true);
    }
    const auto every = std::max<std::size_t>(1, (clips_.size() + kLengthsRead - 1) / kLengthsRead);
    std::size_t number = 0;
    for (const auto& [id, clip] : clips_) {
      const bool is_chosen = number++ % every == 0;
      if (is_chosen && shown.count(id) == 0 && !is_known(id, clip, false)) list.emplace_back(clip, false);
    }
    return list;
  }

  void read_missing() {
    const auto list = missing();
    if (list.empty()) return;
    const auto options = reader_options(run_.config->video);
    ThreadPool pool(std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
    std::vector<std::future<ReadClip>> reading;
    for (const auto& [clip, with_strip] : list)
      reading.push_back(pool.submit(
          [&options, clip = clip, with_strip = with_strip] { return read_clip(clip, options, with_strip); }));
    Progress progress("read clips for the report", static_cast<std::int64_t>(list.size()), "clips");
    std::size_t failed = 0;
    try {
      for (std::size_t i = 0; i < list.size(); ++i) {
        const auto read = reading[i].get();
        progress.update(static_cast<std::int64_t>(i + 1));
        if (read.problem.empty()) {
          keep(list[i].first, read);
        } else if (++failed == 1) {
          problem_ = read.problem;
        }
      }
    } catch (...) {
      pool.cancel_pending();
      throw;
    }
    if (failed > 0)
      log_warning(failed, failed == 1 ? " clip was" : " clips were", " not read for the report: ", problem_);
    save();
  }

  void keep(const Clip& clip, const ReadClip& read) {
    KeptClip kept{source_of(clip), read.duration_s, "", read.width, read.height};
    if (!read.jpeg.empty()) {
      kept.jpeg = kept.source + ".jpg";
      fresh_[kept.jpeg] = read.jpeg;
    }
    kept_[clip.id] = kept;
  }

  // A folder that cannot be written to costs time at the next report, nothing else.
  void save() try {
    for (const auto& [name, jpeg] : fresh_) write_file(folder_ / name, jpeg);
    write_kept(folder_, kept_);
  } catch (const Error& problem) {
    log_warning(problem.what(), "; the next report reads the videos again");
  } catch (const NotNow& problem) {
    log_warning(problem.what(), "; the next report reads the videos again");
  }

  void take_strip(const std::string& id, ReportMedia& media) const {
    const auto found = kept_.find(id);
    if (found == kept_.end() || found->second.jpeg.empty()) return;
    const auto& clip = found->second;
    const auto fresh = fresh_.find(clip.jpeg);
    if (fresh == fresh_.end() && !files::exists(folder_ / clip.jpeg)) return;
    media.strips[id] = {fresh != fresh_.end() ? fresh->second : read_file(folder_ / clip.jpeg), clip.width, clip.height,
                        clip.duration_s};
  }

  const RunRecord& run_;
  fs::path folder_;
  const std::vector<std::string>& videos_;
  KeptClips kept_;
  std::set<std::string> in_gallery_;
  std::map<std::string, Clip> clips_;
  std::map<std::string, std::string> fresh_;  // file -> JPEG
  std::string problem_;
};

}  // namespace

void add_strips(const RunRecord& run, const std::vector<std::string>& videos, ReportMedia& media) {
  StripMaker(run, videos).add_to(media);
}

}  // namespace glint::app
