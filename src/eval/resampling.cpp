#include "eval/resampling.h"

#include <algorithm>
#include <future>
#include <thread>
#include <vector>

#include "glint/core/thread_pool.h"

namespace glint {

void in_blocks(std::int64_t count, int threads, const std::function<void(std::int64_t, std::int64_t)>& work) {
  const auto cores =
      static_cast<std::int64_t>(threads > 0 ? threads : std::max(1U, std::thread::hardware_concurrency()));
  const auto blocks = std::min(count, cores);
  if (blocks <= 1) return work(0, count);
  ThreadPool pool(static_cast<int>(blocks));
  std::vector<std::future<void>> done;
  for (std::int64_t block = 0; block < blocks; ++block) {
    done.push_back(pool.submit([&, block] { work(count * block / blocks, count * (block + 1) / blocks); }));
  }
  for (auto& future : done) future.get();
}

}  // namespace glint
