#pragma once
// The tree that a program is.

#include "poplar/Program.hpp"
#include <memory>
#include <string>
#include <vector>

namespace ipu_model {

struct ProgramNode {
  enum class Kind {
    Sequence,
    Execute,
    Copy,
    StreamToTensor,
    TensorToStream,
    RemoteToTensor,
    TensorToRemote,
    Repeat,
    RepeatWhile,
    If,
    Switch,
    Call,
    Sync,
    WriteUndef,
    PrintTensor,
    Error,
    Abort,
    AssumeEqual,
    CycleStamp
  };
  Kind kind = Kind::Sequence;
  std::string name;
  std::vector<poplar::program::Program> children; ///< RepeatWhile: condition, body; If: true, false
  std::vector<poplar::Tensor> tensors;
  std::uint32_t target = none;     ///< compute set or function
  std::uint64_t count = 0;         ///< of Repeat
  bool whileValue = false;         ///< of RepeatWhile
  std::vector<std::int32_t> cases; ///< of Switch: values of children 1, 2, ...; 0 is the default
  poplar::SyncType sync = poplar::SyncType::INTERNAL;
  std::shared_ptr<const ChannelData> channel; ///< stream or remote buffer
  poplar::PrintTensorFmt format;
  std::string message; ///< title or error text
};

const char *kindName(ProgramNode::Kind kind);

/// Program with a node of any kind, for the library's own programs.
class NodeProgram : public poplar::program::Program {
public:
  explicit NodeProgram(ProgramNode node) : Program(std::make_shared<ProgramNode>(std::move(node))) {}
};

} // namespace ipu_model
