#include "thread_pool.hpp"
#include <utility>

namespace ipu_model {

ThreadPool::ThreadPool(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread &thread : threads_) thread.join();
}

void ThreadPool::takeParts() {
  try {
    for (std::size_t part; (part = next_.fetch_add(1)) < parts_;) (*body_)(part);
  } catch (...) {
    next_ = parts_;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void ThreadPool::work() {
  std::size_t seen = 0;
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      start_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
    }
    takeParts();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--running_ == 0) finished_.notify_one();
  }
}

void ThreadPool::run(std::size_t parts, const std::function<void(std::size_t)> &body) {
  if (parts <= 1 || threads_.empty()) {
    for (std::size_t part = 0; part != parts; ++part) body(part);
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    body_ = &body;
    parts_ = parts;
    next_ = 0;
    running_ = threads_.size();
    ++generation_;
  }
  start_.notify_all();
  takeParts();
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [&] { return running_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

} // namespace ipu_model
