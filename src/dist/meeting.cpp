// Note [Gloo's headers]: they are the distribution's, older than the Gloo inside LibTorch, and this file and group.cpp
// alone see them. c10d's headers name Gloo's types behind pointers, and nothing here touches such an object beyond
// passing a shared_ptr on: no call, no inheritance, no layout. The one type used by value is gloo::Exception, a
// runtime_error.
#include "dist/meeting.h"

#define USE_C10D_GLOO  // as in the wheel: its headers hide Gloo without it
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <c10/util/Logging.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "glint/device/cuda_module.h"
#include "glint/device/device.h"

namespace glint::dist {

namespace {

using std::chrono::milliseconds;

// A collective waits as long as another rank works; the watchdog judges who hangs.
constexpr auto kCollectiveLimit = std::chrono::hours(24 * 30);

milliseconds as_milliseconds(double seconds) {
  return milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e3)));
}

std::string joined_key(std::int64_t rank) {
  return concat("joined/", rank);
}

// "ranks 1, 2, 3 and 4", of many the first ones.
std::string list_of_ranks(const std::vector<std::int64_t>& ranks) {
  constexpr std::size_t kShown = 8;
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size() && i < kShown; ++i) text += concat(i == 0 ? "" : ", ", ranks[i]);
  if (ranks.size() > kShown) text += concat(" and ", ranks.size() - kShown, " more");
  return text;
}

std::string missing_ranks(c10d::Store& store, const RankInfo& info) {
  std::vector<std::int64_t> missing;
  try {
    for (std::int64_t rank = 0; rank < info.ranks; ++rank) {
      if (!store.check({joined_key(rank)})) missing.push_back(rank);
    }
  } catch (const c10::DistError&) {  // rank 0, which keeps the list, has said it and is gone
    return "some ranks (rank 0 says which)";
  }
  return list_of_ranks(missing);
}

// Says that this rank is here and waits for the others.
void join(c10d::Store& store, const RankInfo& info, double timeout_s) {
  if (store.add(concat("claimed/", info.rank), 1) > 1) {
    throw Error("two processes say that they are rank ", info.rank, " of ", info.ranks, " at ", info.host, ":",
                info.port, ": is another training using this port? Set another MASTER_PORT");
  }
  store.set(Watchdog::key(info.rank), "");  // no watchdog waits for another's first word
  store.set(joined_key(info.rank), std::to_string(info.ranks));
  std::vector<std::string> keys;
  for (std::int64_t rank = 0; rank < info.ranks; ++rank) keys.push_back(joined_key(rank));
  try {
    store.wait(keys, as_milliseconds(timeout_s));
  } catch (const c10::DistError&) {
    throw Error(missing_ranks(store, info), " of ", info.ranks, " did not come to ", info.host, ":", info.port,
                " within ", timeout_s, " s (dist.timeout_s): were they started, and do they reach that address?");
  }
  for (std::int64_t rank = 0; rank < info.ranks; ++rank) {
    const auto ranks = store.get_to_str(joined_key(rank));
    if (ranks != std::to_string(info.ranks)) {
      throw Error("rank ", rank, " was started as one of ", ranks, ", rank ", info.rank, " as one of ", info.ranks,
                  ": start all of them with the same number");
    }
  }
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// GLOO_SOCKET_IFNAME names the network interfaces to use, as for PyTorch. Ranks of one machine stay inside it; else it
// is the interface of the machine's own name.
void add_devices(c10d::ProcessGroupGloo::Options& options, const RankInfo& info) {
  using Gloo = c10d::ProcessGroupGloo;
  const char* named = std::getenv("GLOO_SOCKET_IFNAME");
  if (named != nullptr && *named != '\0') {
    std::istringstream names(named);
    for (std::string name; std::getline(names, name, ',');) {
      options.devices.push_back(Gloo::createDeviceForInterface(name));
    }
  } else if (is_loopback(info.host)) {
    options.devices.push_back(Gloo::createDeviceForHostname("127.0.0.1"));
  } else {
    options.devices.push_back(Gloo::createDefaultDevice());
  }
}

c10::intrusive_ptr<c10d::ProcessGroup> make_group(const c10::intrusive_ptr<c10d::Store>& store, const char* name,
                                                  const RankInfo& info, double timeout_s, torch::Device device) {
  auto options = c10d::ProcessGroupGloo::Options::create(as_milliseconds(timeout_s));
  add_devices(*options, info);
  const auto own_store = c10::make_intrusive<c10d::PrefixStore>(name, store);
  const int rank = static_cast<int>(info.rank), ranks = static_cast<int>(info.ranks);
  const auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(own_store, rank, ranks, options);
  gloo->setTimeout(kCollectiveLimit);
  auto group = c10::make_intrusive<c10d::ProcessGroup>(own_store, rank, ranks);
  group->setBackend(torch::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  if (device.is_cuda()) {
    const auto nccl_store = c10::make_intrusive<c10d::PrefixStore>("nccl", own_store);
    const auto limit_ms = std::chrono::duration_cast<milliseconds>(kCollectiveLimit).count();
    const auto nccl = cuda_module().make_nccl(nccl_store, rank, ranks, limit_ms);
    group->setBackend(torch::kCUDA, c10d::ProcessGroup::BackendType::NCCL, nccl);
  }
  return group;
}

// What c10d or Gloo threw (the exception being handled) before the ranks were connected, as an Error.
[[noreturn]] void throw_unconnected(const RankInfo& info) {
  const auto fail = [&](const std::string& message) {
    throw Error("rank ", info.rank, " could not be connected with the others (", plain_cause(message),
                "); where a machine has several networks, GLOO_SOCKET_IFNAME names the one to use");
  };
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {  // Gloo's failures to make a device are plain ones
    fail(error.what_without_backtrace());
  } catch (const std::exception& error) {
    fail(error.what());
  }
  throw;
}

// c10d logs every failure with the stack of its C++; what it throws is enough for our sentence.
void quiet_c10d() {
  constexpr int kFatalOnly = 3;
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = kFatalOnly;
}

}  // namespace

c10::intrusive_ptr<c10d::Store> connect_store(const RankInfo& info, bool is_server, double timeout_s) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(info.port);
  options.isServer = is_server;
  options.waitWorkers = false;  // join() waits, and can say for whom
  options.timeout = as_milliseconds(timeout_s);
  if (is_server && info.listening_socket) options.masterListenFd = *info.listening_socket;
  c10::intrusive_ptr<c10d::Store> store;
  try {
    store = c10::make_intrusive<c10d::TCPStore>(info.host, options);
  } catch (const c10::DistError& error) {
    if (is_server) {
      throw Error("rank 0 cannot listen at ", info.host, ":", info.port, " (",
                  plain_cause(error.what_without_backtrace()),
                  "): is another training using this port? Set another MASTER_PORT");
    }
    throw Error("rank ", info.rank, " did not reach rank 0 at ", info.host, ":", info.port, " within ", timeout_s,
                " s (dist.timeout_s): was it started, and is the address right? (",
                plain_cause(error.what_without_backtrace()), ")");
  }
  if (info.agent_attempt) {
    store = c10::make_intrusive<c10d::PrefixStore>(concat("glint/attempt_", *info.agent_attempt), store);
  }
  return store;
}

std::unique_ptr<Group> meet(const RankInfo& info, double timeout_s, torch::Device device) {
  quiet_c10d();
  auto group = std::make_unique<Group>();
  group->has_nccl = device.is_cuda();
  group->store = connect_store(info, info.rank == 0 && !info.agent_attempt, timeout_s);
  try {
    join(*group->store, info, timeout_s);
    group->features = make_group(group->store, "features", info, timeout_s, device);
    group->gradients = make_group(group->store, "gradients", info, timeout_s, device);
  } catch (...) {
    throw_unconnected(info);
  }
  group->watchdog = std::make_unique<Watchdog>(info, timeout_s, connect_store(info, /*is_server=*/false, timeout_s));
  return group;
}

}  // namespace glint::dist
