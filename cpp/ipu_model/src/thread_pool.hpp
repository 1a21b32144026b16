#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ipu_model {

/// Runs the parts of one job at a time on a fixed set of threads, the caller's among them.
class ThreadPool {
public:
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  /// Calls body(part) for each part in [0, parts); rethrows the first exception.
  void run(std::size_t parts, const std::function<void(std::size_t)> &body);

private:
  void work();
  void takeParts();

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable start_, finished_;
  const std::function<void(std::size_t)> *body_ = nullptr;
  std::atomic<std::size_t> next_{0};
  std::size_t parts_ = 0, generation_ = 0, running_ = 0;
  std::exception_ptr failure_;
  bool stop_ = false;
};

} // namespace ipu_model
