#pragma once
#include <functional>
#include <memory>
#include <type_traits>

namespace poplar {

/// Supplies or takes the data of one transfer of a stream.
class StreamCallback {
public:
  enum class Result { Success, NotAvailable };
  virtual ~StreamCallback() = default;
  virtual Result prefetch(void *) { return Result::NotAvailable; }
  virtual void fetch(void *data) = 0;
  virtual void complete() {}
  virtual void invalidatePrefetched() {}
};

class LegacyStreamCallback : public StreamCallback {};

/// Owns a callback: a StreamCallback object or any function of a void pointer.
class StreamCallbackHandle {
public:
  StreamCallbackHandle(std::unique_ptr<StreamCallback> callback) : callback_(std::move(callback)) {}
  template <typename T, typename = std::enable_if_t<std::is_base_of_v<StreamCallback, T>>>
  StreamCallbackHandle(std::unique_ptr<T> callback) : callback_(std::move(callback)) {}
  template <typename F, typename = std::enable_if_t<std::is_invocable_v<F, void *>>, typename = void>
  StreamCallbackHandle(F function) : callback_(std::make_unique<Function>(std::move(function))) {}
  StreamCallback &operator*() const { return *callback_; }
  StreamCallback *operator->() const { return callback_.get(); }
  std::unique_ptr<StreamCallback> release() { return std::move(callback_); }

private:
  struct Function final : StreamCallback {
    explicit Function(std::function<void(void *)> f) : function(std::move(f)) {}
    void fetch(void *data) override { function(data); }
    std::function<void(void *)> function;
  };
  std::unique_ptr<StreamCallback> callback_;
};

} // namespace poplar
