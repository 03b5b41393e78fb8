#include "support/product_counter.h"

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>

namespace glint::test {

namespace {

thread_local int64_t counted = 0;
thread_local int depth = 0;  // products that a product is computed by count once

struct InProduct : at::ObserverContext {};

// Of an operator [.., n, k] x [.., k, m] the place of its first factor among its arguments.
const std::map<std::string, std::size_t>& products() {
  static const std::map<std::string, std::size_t> places = {
      {"aten::mm", 0},    {"aten::bmm", 0},    {"aten::mv", 0},      {"aten::dot", 0},      {"aten::addmm", 1},
      {"aten::addmv", 1}, {"aten::addmm_", 1}, {"aten::baddbmm", 1}, {"aten::baddbmm_", 1}, {"aten::addmv_", 1}};
  return places;
}

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& call) {
  const auto place = products().find(call.name());
  if (place == products().end()) return nullptr;
  const auto inputs = call.inputs();
  const auto &a = inputs[place->second].toTensor(), &b = inputs[place->second + 1].toTensor();
  if (depth++ == 0) counted += a.numel() * (b.dim() > 1 ? b.size(-1) : 1);
  return std::make_unique<InProduct>();
}

void leave(const at::RecordFunction&, at::ObserverContext* context) {
  if (context != nullptr) --depth;
}

}  // namespace

ProductCounter::ProductCounter()
    : handle_(at::addThreadLocalCallback(
          at::RecordFunctionCallback(&enter, &leave).needsInputs(true).scopes({at::RecordScope::FUNCTION}))) {
  counted = 0;
}

ProductCounter::~ProductCounter() {
  at::removeCallback(handle_);
}

int64_t ProductCounter::macs() const {
  return counted;
}

}  // namespace glint::test
