#include "glint/study/cell_claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/machine_name.h"
#include "glint/core/thread_pool.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr auto kRenewEvery = std::chrono::seconds(10);
constexpr auto kDeadAfter = std::chrono::seconds(120);

fs::path lease_file(const fs::path& folder) {
  return folder / "lease.json";
}
fs::path lock_file(const fs::path& folder) {
  return folder / ".cell.lock";
}

struct Lease {
  std::string machine;
  std::int64_t process = 0;
  std::int64_t started = 0;  // of the process, in ticks since the machine's start: numbers of processes come again
  std::string written = {};  // the file

  std::string holder() const { return concat(machine, ", process ", process); }
};

// Field 22 of /proc/PID/stat, behind the name in brackets, which may hold anything; 0: there is no such process.
std::int64_t start_of_process(std::int64_t process) {
  const fs::path file = concat("/proc/", process, "/stat");
  try {
    const auto text = read_file(file, 1 << 16);
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string field;
    for (int number = 3; number <= 22 && fields >> field; ++number) {
      if (number == 3 && (field == "Z" || field == "X")) return 0;  // it has ended and nobody has looked yet
    }
    return std::atoll(field.c_str());
  } catch (const Error&) {
    return 0;
  }
}

Lease own_lease() {
  const auto process = static_cast<std::int64_t>(getpid());
  return {machine_name(), process, start_of_process(process), {}};
}

std::string text_of(const Lease& lease) {
  const nlohmann::ordered_json json = {
      {"machine", lease.machine}, {"process", lease.process}, {"started", lease.started}};
  return json_text(json) + "\n";
}

// None: there is no lease. One that cannot be read was cut short by a crash, and is nobody's.
std::optional<Lease> read_lease(const fs::path& folder) {
  const auto file = lease_file(folder);
  if (!files::exists(file)) return std::nullopt;
  std::string text;
  try {
    text = read_file(file, 1 << 16);
  } catch (const Error&) {
    return std::nullopt;  // given back meanwhile
  }
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Lease{.machine = {}, .written = text};
  return Lease{.machine = json.value("machine", ""),
               .process = json.value("process", std::int64_t{0}),
               .started = json.value("started", std::int64_t{0}),
               .written = text};
}

// By the clock of the file system, which all machines share.
bool is_renewed(const fs::path& folder) {
  const auto probe = folder / concat(".now-", machine_name(), "-", getpid());
  write_file(probe, "");
  const auto now = files::changed(probe);
  files::remove(probe);
  try {
    return now - files::changed(lease_file(folder)) < kDeadAfter;
  } catch (const Error&) {
    return false;  // given back meanwhile
  }
}

bool is_alive(const Lease& lease, const fs::path& folder) {
  if (lease.machine == machine_name() && lease.process > 0)
    return start_of_process(lease.process) == lease.started && lease.started != 0;
  return is_renewed(folder);
}

// False where another was faster.
bool create_lease(const fs::path& folder) {
  const auto file = lease_file(folder);
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    if (errno == EEXIST) return false;
    throw_errno(file.string(), errno);
  }
  const auto text = text_of(own_lease());
  const auto written = ::write(descriptor, text.data(), text.size());
  const int cause = errno;
  ::close(descriptor);
  if (written == static_cast<ssize_t>(text.size())) return true;
  files::remove(file);
  throw_errno(file.string(), written < 0 ? cause : ENOSPC);
}

// Of several that see a dead lease, one renames it, and only what it has seen.
void remove_dead_lease(const fs::path& folder, const Lease& seen) {
  const auto away = folder / concat(".dead-lease-", machine_name(), "-", getpid());
  if (std::rename(lease_file(folder).c_str(), away.c_str()) != 0) return;
  if (read_file(away, 1 << 16) != seen.written) {  // another's new one: back with it, unless there is one again
    if (::link(away.c_str(), lease_file(folder).c_str()) != 0 && errno != EEXIST)
      throw_errno(lease_file(folder).string(), errno);
  }
  files::remove(away);
}

}  // namespace

struct CellClaim::Parts {
  explicit Parts(const fs::path& where) : folder(where), lock(lock_file(where)) {}

  fs::path folder;
  FileLock lock;
  std::mutex mutex;
  std::condition_variable ends;
  bool is_over = false;
  std::thread heart;
};

CellClaim::CellClaim(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  parts_->heart = start_thread([parts = parts_.get()] {
    std::unique_lock guard(parts->mutex);
    while (!parts->ends.wait_for(guard, kRenewEvery, [&] { return parts->is_over; })) {
      ::utimensat(AT_FDCWD, lease_file(parts->folder).c_str(), nullptr, 0);  // now, by the file system's clock
    }
  });
}

CellClaim::~CellClaim() {
  {
    const std::lock_guard guard(parts_->mutex);
    parts_->is_over = true;
  }
  parts_->ends.notify_all();
  parts_->heart.join();
  ::unlink(lease_file(parts_->folder).c_str());
}

std::unique_ptr<CellClaim> CellClaim::take(const fs::path& folder) {
  files::make_folders(folder);
  auto parts = std::make_unique<Parts>(folder);
  if (!parts->lock.try_lock()) return nullptr;
  if (const auto lease = read_lease(folder)) {
    if (is_alive(*lease, folder)) return nullptr;
    remove_dead_lease(folder, *lease);
  }
  if (!create_lease(folder)) return nullptr;
  return std::unique_ptr<CellClaim>(new CellClaim(std::move(parts)));
}

std::optional<std::string> CellClaim::holder(const fs::path& folder) {
  const auto lease = read_lease(folder);
  if (!lease || !is_alive(*lease, folder)) return std::nullopt;
  return lease->holder();
}

}  // namespace glint
