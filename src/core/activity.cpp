#include "glint/core/activity.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>

#include "glint/core/error.h"

namespace glint {

namespace {

constexpr const char* kVariable = "GLINT_ACTIVITY";
constexpr std::size_t kSlots = 16, kTextBytes = 248;  // slot 0: the work as a whole
constexpr std::size_t kShownHelpers = 3;
constexpr std::size_t kNoSlot = kSlots;

// Zero bytes are a valid one. Parent and child are one program, so its form is no file format.
struct Page {
  std::atomic<std::uint64_t> progress;
  std::atomic<std::uint64_t> collectives;
  std::atomic<std::uint32_t> verdict;
  std::atomic<std::uint32_t> version;  // odd while a text is written
  char texts[kSlots][kTextBytes];      // ends with a zero byte; empty: no such helper
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "lives in memory that two processes see");

// "descriptor:inode" of a record handed down to us. A process started by our child inherits the variable, not the
// memory.
Page* handed_down() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return nullptr;
  const char* end = value + std::strlen(value);
  int descriptor = -1;
  std::uint64_t inode = 0;
  const auto [colon, problem] = std::from_chars(value, end, descriptor);
  if (problem != std::errc() || colon == end || *colon != ':') return nullptr;
  if (std::from_chars(colon + 1, end, inode).ec != std::errc()) return nullptr;
  struct stat facts {};
  if (fstat(descriptor, &facts) != 0 || facts.st_ino != inode || facts.st_size != sizeof(Page)) return nullptr;
  void* page = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page == MAP_FAILED) return nullptr;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return static_cast<Page*>(page);
}

struct Own {
  Own() : page(handed_down()) {
    if (page != nullptr) return;
    alone = std::make_unique<Page>();
    page = alone.get();
  }
  std::mutex mutex;  // of the texts
  std::unique_ptr<Page> alone;
  Page* page;
};

Own& own() {
  static auto* instance = new Own;  // never destroyed: threads speak until the process ends
  return *instance;
}

// The mutex is held.
void write_text(std::size_t slot, const std::string& what) {
  Page& page = *own().page;
  auto size = std::min(what.size(), kTextBytes - 1);
  while (size > 0 && size < what.size() && (what[size] & 0xC0) == 0x80) --size;  // no half of a letter
  page.version.fetch_add(1, std::memory_order_acq_rel);
  std::memcpy(page.texts[slot], what.data(), size);
  page.texts[slot][size] = '\0';
  page.version.fetch_add(1, std::memory_order_release);
}

std::string joined(const char (&texts)[kSlots][kTextBytes]) {
  const auto text_of = [&](std::size_t slot) { return std::string(texts[slot], strnlen(texts[slot], kTextBytes)); };
  std::string helpers;
  std::size_t count = 0;
  for (std::size_t slot = 1; slot < kSlots; ++slot) {
    if (texts[slot][0] == '\0' || ++count > kShownHelpers) continue;
    helpers += (count == 1 ? "" : ", ") + text_of(slot);
  }
  if (count > kShownHelpers) helpers += concat(" and ", count - kShownHelpers, " more");
  const auto whole = text_of(0);
  if (helpers.empty() || whole.empty()) return whole + helpers;
  return whole + " (" + helpers + ")";
}

ActivityState read_page(const Page& page) {
  constexpr int kTries = 1000;  // a process that died while it wrote leaves the version odd for ever
  char texts[kSlots][kTextBytes];
  for (int i = 0; i < kTries; ++i) {
    const auto before = page.version.load(std::memory_order_acquire);
    std::memcpy(texts, page.texts, sizeof texts);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && page.version.load(std::memory_order_relaxed) == before) break;
  }
  return {joined(texts), page.progress.load(), page.collectives.load(), page.verdict.load() != 0};
}

}  // namespace

void set_activity(const std::string& what) {
  const std::lock_guard lock(own().mutex);
  write_text(0, what);
  count_progress();
}

Activity::Activity(const std::string& what) : slot_(kNoSlot) {
  const std::lock_guard lock(own().mutex);
  const auto& texts = own().page->texts;
  const auto* free_one = std::find_if(texts + 1, texts + kSlots, [](const char* text) { return text[0] == '\0'; });
  slot_ = static_cast<std::size_t>(free_one - texts);
  if (slot_ != kNoSlot) write_text(slot_, what);
  count_progress();
}

Activity::~Activity() {
  const std::lock_guard lock(own().mutex);
  if (slot_ != kNoSlot) write_text(slot_, "");
  count_progress();
}

void count_progress() {
  own().page->progress.fetch_add(1, std::memory_order_relaxed);
}

void count_collective() {
  own().page->collectives.fetch_add(1, std::memory_order_relaxed);
  count_progress();
}

void note_verdict() {
  own().page->verdict.store(1);
}

ActivityState current_activity() {
  const std::lock_guard lock(own().mutex);
  return read_page(*own().page);
}

ActivityRecord::ActivityRecord() {
  descriptor_ = memfd_create("glint activity", MFD_CLOEXEC);
  if (descriptor_ >= 0 && ftruncate(descriptor_, sizeof(Page)) == 0) {
    page_ = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (page_ != MAP_FAILED) return;
  }
  const int cause = errno;
  if (descriptor_ >= 0) close(descriptor_);
  throw_errno("no memory can be shared with a process to be started", cause);
}

ActivityRecord::~ActivityRecord() {
  munmap(page_, sizeof(Page));
  close(descriptor_);
}

std::string ActivityRecord::variable() const {
  struct stat facts {};
  GLINT_CHECK(fstat(descriptor_, &facts) == 0, "fstat of a record");
  return concat(kVariable, "=", descriptor_, ":", facts.st_ino);
}

ActivityState ActivityRecord::read() const {
  return read_page(*static_cast<const Page*>(page_));
}

}  // namespace glint
