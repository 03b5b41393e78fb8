#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace glint::test {

// The seeds that the CPU's generator last got when user scopes (RECORD_USER_SCOPE) of this thread began, by the scope's
// name, while it lives. One at a time a thread.
class ScopeSeeds {
 public:
  ScopeSeeds();
  ~ScopeSeeds();
  ScopeSeeds(const ScopeSeeds&) = delete;
  ScopeSeeds& operator=(const ScopeSeeds&) = delete;

  static const std::map<std::string, std::set<std::uint64_t>>& seeds();

 private:
  at::CallbackHandle handle_;
};

}  // namespace glint::test
