#include "dist/group.h"

#include <gloo/common/error.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dist/launch_variables.h"

namespace glint::dist {

std::string plain_cause(const std::string& message) {
  auto text = message.substr(0, message.find('\n'));
  for (const char* tail : {" Exception raised from", ". This may indicate a possible application crash"}) {
    text = text.substr(0, text.find(tail));
  }
  if (!text.empty() && text.front() == '[') {  // a source file and its line
    const auto end = text.find("] ");
    if (end != std::string::npos) text.erase(0, end + 2);
  }
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

namespace {

[[noreturn]] void lost(const std::string& doing, const std::string& message) {
  if (std::getenv(kLaunchedVariable) != nullptr) {
    std::this_thread::sleep_for(std::chrono::duration<double>(kWaitForLauncherSeconds));
  }
  throw Error("lost the other ranks while ", doing, ": another rank ended or the network failed (",
              plain_cause(message), ")");
}

}  // namespace

void throw_lost(const std::string& doing) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::DistError& error) {
    lost(doing, error.what_without_backtrace());
  } catch (const gloo::Exception& error) {
    lost(doing, error.what());
  }
}

}  // namespace glint::dist
