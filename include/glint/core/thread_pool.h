#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace glint {

// Throws NotNow where the machine allows no more threads.
std::thread start_thread(std::function<void()> work);

// A fixed number of threads that run what is submitted, in the order it came. What a task throws travels in its future.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // > 0; NotNow where the machine allows fewer
  ~ThreadPool();                     // runs what is already submitted, then joins
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  template <class Task>
  auto submit(Task task) -> std::future<decltype(task())> {
    auto packaged = std::make_shared<std::packaged_task<decltype(task())()>>(std::move(task));
    auto future = packaged->get_future();
    add([packaged] { (*packaged)(); });
    return future;
  }

  // Drops what has not started yet; the futures of dropped tasks throw std::future_error (broken promise).
  void cancel_pending();

 private:
  void add(std::function<void()> task);
  void close();
  void work();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace glint
