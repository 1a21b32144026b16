#pragma once
#include "ArrayRef.hpp"
#include "Device.hpp"
#include "Graph.hpp"
#include "ProfileValue.hpp"
#include "Program.hpp"
#include "StreamCallback.hpp"
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

namespace ipu_model {
class EngineData;
}

namespace poplar {

using ProgressFunc = std::function<void(int step, int total)>;

/// A graph and its programs, checked and compiled.
class Executable {
public:
  Executable(std::shared_ptr<ipu_model::EngineData> data) : data_(std::move(data)) {}
  Executable(Executable &&) = default;
  Executable &operator=(Executable &&) = default;
  /// Writes a ticket for this executable, which deserialize takes back in the same process. Programs are not
  /// compiled to a file: in another process, deserialize throws poplar_error.
  void serialize(std::ostream &out) const;
  static Executable deserialize(std::istream &in);
  const std::shared_ptr<ipu_model::EngineData> &data() const { return data_; }

private:
  std::shared_ptr<ipu_model::EngineData> data_;
};

Executable compileGraph(const Graph &graph, ArrayRef<program::Program> programs, const OptionFlags & = {},
                        ProgressFunc = {}, const DebugContext & = {});

/// Runs the programs of a graph on a device.
///
/// Options of the model: debug.mode ("true": snapshot inputs, poison outputs, shuffle vertices),
/// debug.shuffleSeed, debug.allowOutOfMemory, debug.strict ("true": warnings are errors),
/// target.threads, autoReport.all, autoReport.directory. Others are accepted and ignored.
class Engine {
public:
  using ProgressFunc = poplar::ProgressFunc;

  Engine(const Graph &graph, const program::Program &program, const OptionFlags & = {}, ProgressFunc = {},
         const DebugContext & = {});
  Engine(const Graph &graph, ArrayRef<program::Program> programs, const OptionFlags & = {}, ProgressFunc = {},
         const DebugContext & = {});
  /// The order of arguments of SDK 1.x.
  Engine(const Device &device, const Graph &graph, const program::Program &program, const OptionFlags & = {});
  Engine(const Device &device, const Graph &graph, ArrayRef<program::Program> programs, const OptionFlags & = {});
  Engine(Executable &&executable, const OptionFlags & = {});
  Engine(Engine &&);
  Engine &operator=(Engine &&) = delete;
  ~Engine();

  void load(const Device &device);
  void deploy() {}
  void prepare(const Device &device) { load(device); }
  void run(unsigned program = 0, const std::string &debugName = "");
  void loadAndRun(const Device &device, unsigned program = 0);

  void writeTensor(StringRef handle, const void *begin, const void *end);
  void writeTensor(StringRef handle, const void *begin);
  template <typename T> void writeTensor(StringRef handle, ArrayRef<T> values) {
    writeTensor(handle, values.begin(), values.end());
  }
  template <typename T> void writeTensor(StringRef handle, const std::vector<T> &values) {
    writeTensor(handle, values.data(), values.data() + values.size());
  }
  void readTensor(StringRef handle, void *begin, void *end);
  void readTensor(StringRef handle, void *begin);
  template <typename T> void readTensor(StringRef handle, ArrayRef<T> values) {
    readTensor(handle, const_cast<T *>(values.begin()), const_cast<T *>(values.end()));
  }
  template <typename T> void readTensor(StringRef handle, std::vector<T> &values) {
    readTensor(handle, values.data(), values.data() + values.size());
  }

  void connectStream(StringRef handle, void *begin, void *end);
  void connectStream(StringRef handle, void *begin);
  template <typename T> void connectStream(StringRef handle, ArrayRef<T> values) {
    connectStream(handle, const_cast<T *>(values.begin()), const_cast<T *>(values.end()));
  }
  void connectStreamToCallback(StringRef handle, StreamCallbackHandle callback);
  void connectStreamToCallback(StringRef handle, unsigned replica, StreamCallbackHandle callback);
  std::vector<std::string> listStreams() const;

  void copyToRemoteBuffer(const void *source, const std::string &handle, std::int64_t index, unsigned replica = 0);
  template <typename T>
  void copyToRemoteBuffer(ArrayRef<T> source, const std::string &handle, std::int64_t index, unsigned replica = 0) {
    copyToRemoteBuffer(static_cast<const void *>(source.data()), handle, index, replica);
  }
  template <typename T> void copyToRemoteBuffer(const std::vector<T> &source, const std::string &handle,
                                                std::int64_t index, unsigned replica = 0) {
    copyToRemoteBuffer(static_cast<const void *>(source.data()), handle, index, replica);
  }
  void copyFromRemoteBuffer(const std::string &handle, void *destination, std::int64_t index, unsigned replica = 0);
  template <typename T> void copyFromRemoteBuffer(const std::string &handle, ArrayRef<T> destination,
                                                  std::int64_t index, unsigned replica = 0) {
    copyFromRemoteBuffer(handle, static_cast<void *>(const_cast<T *>(destination.data())), index, replica);
  }
  template <typename T> void copyFromRemoteBuffer(const std::string &handle, std::vector<T> &destination,
                                                  std::int64_t index, unsigned replica = 0) {
    copyFromRemoteBuffer(handle, static_cast<void *>(destination.data()), index, replica);
  }

  void setPrintStream(std::ostream &out);
  void setPrintTensorStream(std::ostream &out);

  /// Text summary of memory and of the cycles so far; an estimate of the model, as it says itself.
  void printProfileSummary(std::ostream &out, const OptionFlags & = {});
  void enableExecutionProfiling();
  void disableExecutionProfiling();
  void resetExecutionProfiling();
  /// Names of SDK 1.x. Every profile is the model's whole JSON report.
  void resetExecutionProfile() { resetExecutionProfiling(); }
  ProfileValue getProfile() const;
  ProfileValue getGraphProfile() const { return getProfile(); }
  ProfileValue getExecutionProfile() const { return getProfile(); }
  /// Not covered, as libpva is not.
  template <typename T = bool> void getReport(T = true) const {
    static_assert(sizeof(T) == 0,
                  "Engine::getReport (libpva) is not covered by the IPU model: use printProfileSummary, "
                  "writeReportJson, writeMemorySvg or writeTimelineSvg");
  }
  /// The same as JSON, and as two pictures (tile memory; time line of the steps).
  void writeReportJson(std::ostream &out) const;
  void writeMemorySvg(std::ostream &out) const;
  void writeTimelineSvg(std::ostream &out) const;
  /// Cycles of all runs since the last reset.
  std::uint64_t estimatedCycles() const;
  /// What strict mode refuses: sub-word stores, outputs read before or never written.
  std::vector<std::string> warnings() const;

  struct TimerTimePoint {
    std::chrono::steady_clock::time_point time;
    std::uint64_t cycles;
  };
  TimerTimePoint getTimeStamp() const;
  static std::string reportTiming(const TimerTimePoint &start, const TimerTimePoint &end);
  /// Times between events of the host; the model records none.
  void reportIntervals(std::ostream &) const {}

private:
  std::shared_ptr<ipu_model::EngineData> data_;
};

} // namespace poplar
