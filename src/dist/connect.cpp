// Note [Gloo's headers]: they are the distribution's, older than the Gloo inside LibTorch, and this file and group.cpp
// alone see them. c10d's headers name Gloo's types behind pointers, and nothing here touches such an object beyond
// passing a shared_ptr on: no call, no inheritance, no layout. The one type used by value is gloo::Exception, a
// runtime_error.
#include "dist/connect.h"

#define USE_C10D_GLOO  // as in the wheel: its headers hide Gloo without it
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <c10/util/Logging.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "dist/network.h"
#include "dist/rendezvous.h"
#include "glint/core/activity.h"
#include "glint/core/machine_name.h"
#include "glint/device/cuda_module.h"
#include "glint/device/device.h"

namespace glint::dist {

namespace {

using std::chrono::milliseconds;

// A collective waits as long as another rank works; the watchdog judges who hangs.
constexpr auto kCollectiveLimit = std::chrono::hours(24 * 30);
// Where ranks do not reach one another the watchdog says it after the timeout; Gloo would try five times as long.
constexpr double kConnectSpareSeconds = 10;

// GLOO_SOCKET_IFNAME names the network interfaces to use, as for PyTorch; else it is that of `address`.
std::string network_names(const std::string& address) {
  const char* named = std::getenv("GLOO_SOCKET_IFNAME");
  return named != nullptr && *named != '\0' ? named : address;
}

using Devices = std::vector<std::shared_ptr<gloo::transport::Device>>;

Devices open_networks(const RankInfo& info, const std::string& address) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto names = network_names(address);
  if (names == address) return {Gloo::createDeviceForHostname(address)};
  Devices devices;
  std::istringstream interfaces(names);
  for (std::string name; std::getline(interfaces, name, ',');) {
    try {
      devices.push_back(Gloo::createDeviceForInterface(name));
    } catch (const std::exception& error) {
      throw Error("rank ", info.rank, ", on ", machine_name(), ", cannot use the network ", name, " (",
                  plain_cause(error.what()), "): GLOO_SOCKET_IFNAME must name one of this machine's");
    }
  }
  return devices;
}

c10::intrusive_ptr<c10d::ProcessGroup> make_group(const Rendezvous& meeting, const char* name, const RankInfo& info,
                                                  double timeout_s, torch::Device device) {
  auto options = c10d::ProcessGroupGloo::Options::create(as_milliseconds(timeout_s + kConnectSpareSeconds));
  options->devices = open_networks(info, meeting.address);
  const auto own_store = c10::make_intrusive<c10d::PrefixStore>(name, meeting.store);
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
[[noreturn]] void throw_unconnected(Group& group, const RankInfo& info, const std::string& address) {
  const auto fail = [&](const std::string& message) {
    if (message.find(std::strerror(EMFILE)) != std::string::npos) {
      throw_errno(concat("rank ", info.rank, ", on ", machine_name(), ", cannot be connected with the others"), EMFILE);
    }
    const auto who = group.watchdog->find_lost_ranks();
    throw Error(who.empty() ? "" : who + "; ", "rank ", info.rank, ", on ", machine_name(),
                ", could not be connected with the others from ", network_names(address), " (", plain_cause(message),
                "); where a machine has several networks, GLOO_SOCKET_IFNAME names the one to use");
  };
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
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

std::unique_ptr<Group> connect_ranks(const RankInfo& info, double timeout_s, torch::Device device) {
  quiet_c10d();
  const auto meeting = rendezvous(info, timeout_s);
  const Activity connecting(concat("connects with the other ranks from ", network_names(meeting.address)));
  auto group = std::make_unique<Group>();
  group->has_nccl = device.is_cuda();
  group->store = meeting.store;
  group->watchdog = std::make_unique<Watchdog>(info, timeout_s, meeting.watchdog_store);
  try {
    group->features = make_group(meeting, "features", info, timeout_s, device);
    group->gradients = make_group(meeting, "gradients", info, timeout_s, device);
  } catch (...) {
    throw_unconnected(*group, info, meeting.address);
  }
  group->watchdog->ranks_are_connected();
  return group;
}

}  // namespace glint::dist
