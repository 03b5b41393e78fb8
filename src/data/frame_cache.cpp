#include "glint/data/frame_cache.h"

#include <atomic>
#include <cstring>
#include <map>
#include <unordered_map>

#include "data/frame_cache_codec.h"
#include "data/frame_cache_format.h"
#include "data/frame_cache_pack.h"
#include "data/frame_cache_settings.h"
#include "data/frame_cache_source.h"
#include "data/frame_cache_times.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"

namespace glint {

using namespace cache;

namespace fs = std::filesystem;

namespace {

std::vector<Record> finished_index(const fs::path& folder, std::uint64_t settings) {
  if (!files::exists(index_path(folder))) {
    throw Error(index_path(folder).string(),
                ": is not there: the cache was never finished; run glint data cache again");
  }
  return read_index(folder, settings);
}

}  // namespace

struct FrameCache::Impl {
  Impl(const DataConfig& data, const VideoConfig& video_config)
      : folder(data.cache),
        video(video_config),
        settings(read_settings(folder, data, video_config)),
        records(finished_index(folder, settings.hash)) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      open_pack_of(records[i]);
      by_path.emplace(name_by_path(records[i]), i);
      by_content.emplace(name_by_content(records[i]), i);
    }
    check_sources(folder, settings.hash, records, data.workers);
  }

  void open_pack_of(const Record& record);
  Bytes payload(const Record& record) const;
  void note_moved(const std::string& path);
  [[noreturn]] void fail(const Record& record) const;
  std::size_t copy_raw_frames(const Record& record, std::uint8_t* out) const;

  const fs::path folder;
  const VideoConfig video;
  const Settings settings;
  const std::vector<Record> records;
  std::unordered_map<std::string, std::size_t> by_path;
  std::unordered_map<std::string, std::size_t> by_content;
  std::map<std::uint64_t, PackFile> packs;
  SourceBook moved;  // files met under a path that the cache does not know
  std::atomic<bool> has_told_of_moved = false;
};

void FrameCache::Impl::open_pack_of(const Record& record) {
  const auto path = pack_path(folder, record.pack);
  auto found = packs.find(record.pack);
  if (found == packs.end()) {
    if (!files::exists(path)) {
      throw Error(path.string(),
                  ": is not there, but index.glint names clips in it; run glint data cache again, which "
                  "makes them anew");
    }
    found = packs.try_emplace(record.pack, folder, record.pack, settings.hash).first;
  }
  if (found->second.reaches(record)) return;
  throw Error(path.string(), ": is cut short: it has ", found->second.size(), " bytes, and the clip of ",
              record.source.path, " ends after them; run glint data cache again, which makes the lost clips anew");
}

void FrameCache::Impl::fail(const Record& record) const {
  throw BadFile(pack_path(folder, record.pack).string(), ": the clip of ", record.source.path,
                " is damaged; delete the file and run glint data cache again, which makes its clips anew");
}

// Its bytes as they were written: they match their checksum. They stay until this thread reads the next.
Bytes FrameCache::Impl::payload(const Record& record) const {
  thread_local std::vector<std::uint8_t> bytes;
  if (record.pictures > static_cast<std::uint64_t>(video.num_frames) || !packs.at(record.pack).read(record, bytes))
    fail(record);
  return bytes;
}

void FrameCache::Impl::note_moved(const std::string& path) {
  if (has_told_of_moved.exchange(true)) return;
  log_info(path, ": is not where ", folder.string(),
           " knows it, as may others be: such videos are known by their content, which each start reads anew; glint "
           "data cache notes their places");
}

FrameCache::FrameCache(const DataConfig& data, const VideoConfig& video) : impl_(std::make_unique<Impl>(data, video)) {}
FrameCache::~FrameCache() = default;

bool FrameCache::keeps_pictures() const {
  return impl_->settings.keeps_pictures;
}

std::optional<std::size_t> FrameCache::find(const Clip& clip) {
  const auto path = source_path(clip.file);
  const auto known = impl_->by_path.find(name_by_path(path, clip.start_s, clip.end_s));
  if (known != impl_->by_path.end()) return known->second;
  const auto source = impl_->moved.read(path);
  const auto same = impl_->by_content.find(name_by_content(source, clip.start_s, clip.end_s));
  if (same == impl_->by_content.end()) return std::nullopt;
  impl_->note_moved(path);
  return same->second;
}

// One copy.
std::size_t FrameCache::Impl::copy_raw_frames(const Record& record, std::uint8_t* out) const {
  const Bytes bytes = payload(record);
  const auto side = static_cast<std::uint32_t>(video.image_size);
  const std::size_t frame_bytes = std::size_t{3} * side * side;
  const auto frames = parse_pictures(pack_path(folder, record.pack), record, bytes);
  for (const auto& frame : frames) {
    if (frame.width != side || frame.height != side || frame.bytes != frame_bytes) fail(record);
  }
  const std::size_t size = frames.size() * frame_bytes;
  std::memcpy(out, bytes.data() + bytes.size() - size, size);
  return frames.size();
}

std::size_t FrameCache::read_frames(std::size_t clip, std::uint8_t* out) {
  GLINT_CHECK(!impl_->settings.keeps_pictures, "frames of a cache of pictures");
  const Record& record = impl_->records.at(clip);
  if (impl_->settings.codec == Codec::kRaw) return impl_->copy_raw_frames(record, out);
  const Bytes bytes = impl_->payload(record);
  const auto frames = parse_pictures(pack_path(impl_->folder, record.pack), record, bytes);
  const auto side = static_cast<int>(impl_->video.image_size);
  std::size_t begin = aligned(frames.size() * sizeof(PictureHeader));
  Image scratch;
  for (const auto& frame : frames) {
    if (!decode_frame(impl_->settings.codec, bytes.subspan(begin, frame.bytes), side, out, scratch))
      impl_->fail(record);
    begin += frame.bytes;
    out += std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  }
  return frames.size();
}

void FrameCache::read_pictures(std::size_t clip, const PictureSink& sink) {
  const Record& record = impl_->records.at(clip);
  const Bytes bytes = impl_->payload(record);
  const auto pictures = parse_pictures(pack_path(impl_->folder, record.pack), record, bytes);
  std::size_t begin = aligned(pictures.size() * sizeof(PictureHeader));
  Image image;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto& [width, height, size] = pictures[i];
    if (!decode_picture(impl_->settings.codec, bytes.subspan(begin, size), static_cast<int>(width),
                        static_cast<int>(height), image)) {
      impl_->fail(record);
    }
    begin += size;
    sink(i, image);
  }
}

bool FrameCache::is_lossy() const {
  return impl_->settings.codec != Codec::kRaw;
}

void FrameCache::make_as_kept(Image& picture) const {
  if (!is_lossy()) return;
  std::vector<std::uint8_t> bytes;
  encode_picture(impl_->settings.codec, impl_->settings.quality, picture, bytes);
  GLINT_CHECK(decode_picture(impl_->settings.codec, bytes, picture.width, picture.height, picture),
              "a picture of ours");
}

}  // namespace glint
