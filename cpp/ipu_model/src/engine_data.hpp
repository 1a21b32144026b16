#pragma once
// The engine behind poplar::Engine: memory, bound compute sets, connected streams, and the interpreter.

#include "compute_set.hpp"
#include "copy_group.hpp"
#include "poplar/Engine.hpp"
#include "profile.hpp"
#include "program_node.hpp"
#include <iostream>
#include <set>

namespace ipu_model {

class EngineData {
public:
  EngineData(std::shared_ptr<GraphData> graph, std::vector<poplar::program::Program> programs,
             const poplar::OptionFlags &options, const poplar::ProgressFunc &progress);
  ~EngineData();

  void load(const poplar::Device &device);
  void run(unsigned program);

  void writeHandle(const std::string &handle, const void *begin, const void *end);
  void readHandle(const std::string &handle, void *begin, void *end);
  void connect(const std::string &handle, void *begin, void *end);
  void connect(const std::string &handle, poplar::StreamCallbackHandle callback);
  /// Memory of one row of a remote buffer, and its size.
  std::byte *remoteRow(const std::string &handle, std::int64_t index);
  std::size_t remoteRowBytes(const std::string &handle) const { return remoteBuffers_.at(handle)->bytes(); }
  std::vector<std::string> streamNames() const;

  void warn(const std::string &message);
  const std::vector<std::string> &warnings() const { return warnings_; }
  Profile &profile() { return profile_; }
  const Profile &profile() const { return profile_; }
  void writeReports() const;
  void setPrintStream(std::ostream &out) { print_ = &out; }
  void setOptions(const poplar::OptionFlags &options);

private:
  using Node = ProgramNode;
  /// One end of a stream: a ring of host memory or a callback.
  struct Connection {
    std::byte *begin = nullptr, *end = nullptr, *next = nullptr;
    std::shared_ptr<poplar::StreamCallback> callback;
  };
  void connect(const std::string &handle, Connection connection);
  void prepare(const poplar::program::Program &program);
  void countUses(const poplar::program::Program &program);
  /// Copies that follow each other, in nested sequences too, make one step where `group` admits it.
  void prepareSequence(const Node &node, CopyGroup &group);
  void endGroup(CopyGroup &group);
  /// Throws where a tensor or channel of the program is not of this graph.
  void checkHandles(const Node &node) const;
  void checkCopy(const Node &node) const;
  /// Throws where what a program writes shows a constant, or an element twice; `text` starts the message.
  void checkDestination(const std::string &text, const poplar::Tensor &destination) const;
  void execute(const Node &node);
  void executeStream(const Node &node);
  void executeRemote(const Node &node);
  void executeSwitch(const Node &node);
  [[noreturn]] void raise(const Node &node);
  bool predicate(const poplar::Tensor &tensor) const;
  std::int64_t integer(const poplar::Tensor &tensor, std::size_t i = 0) const;
  std::vector<std::byte> bytesOf(const poplar::Tensor &tensor) const;

  std::shared_ptr<GraphData> graph_;
  std::vector<poplar::program::Program> programs_;
  poplar::OptionFlags options_;
  bool debug_ = false, strict_ = false, loaded_ = false;
  std::uint64_t shuffleSeed_ = 0, executions_ = 0;
  Profile profile_; ///< before the storage: refuses what no tile can hold before the host allocates it
  Storage storage_;
  ThreadPool pool_;
  std::map<std::uint32_t, std::unique_ptr<BoundComputeSet>> computeSets_;
  std::set<const Node *> prepared_;
  std::map<const Node *, unsigned> uses_; ///< places in programs and functions
  std::set<std::uint32_t> openFunctions_; ///< being prepared, to find recursion
  // Those of the graph when the engine was made: it may have grown since.
  std::map<std::string, poplar::Tensor> hostWrites_, hostReads_;
  Channels streams_, remoteBuffers_;
  std::map<std::string, Connection> connections_;
  std::map<std::string, std::vector<std::byte>> remoteMemory_;
  std::vector<std::string> warnings_;
  std::set<std::string> warned_;
  std::ostream *print_ = &std::cerr;
};

/// Writes a tensor as PrintTensor does.
void printTensor(std::ostream &out, const std::string &title, const poplar::Tensor &tensor,
                 const std::vector<std::byte> &data, const poplar::PrintTensorFmt &format);

} // namespace ipu_model
