#include "glint/core/thread_pool.h"

#include "glint/core/error.h"

namespace glint {

ThreadPool::ThreadPool(int threads) {
  GLINT_CHECK(threads > 0, "a pool of ", threads, " threads");
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  ready_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ThreadPool::cancel_pending() {
  const std::lock_guard lock(mutex_);
  tasks_.clear();
}

void ThreadPool::add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    GLINT_CHECK(!closed_, "submit() on a pool that is closing");
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

void ThreadPool::work() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace glint
