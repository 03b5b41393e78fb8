#include "glint/core/thread_pool.h"

#include <system_error>

#include "glint/core/error.h"

namespace glint {

std::thread start_thread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    throw_errno("no thread can be started", error.code().value());
  }
}

ThreadPool::ThreadPool(int threads) {
  GLINT_CHECK(threads > 0, "a pool of ", threads, " threads");
  threads_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) threads_.push_back(start_thread([this] { work(); }));
  } catch (...) {
    close();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  close();
}

void ThreadPool::close() {
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
