#pragma once
#include "ArrayRef.hpp"
#include "DebugContext.hpp"
#include "GraphElements.hpp"
#include "PrintTensor.hpp"
#include "SyncType.hpp"
#include "Tensor.hpp"
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace ipu_model {
struct ProgramNode;
}

namespace poplar {
class Graph;
namespace program {

/// What the device does: a value; adding it to another program copies it.
class Program {
public:
  Program();
  bool isEmpty() const;
  const ipu_model::ProgramNode &node() const { return *node_; }

protected:
  explicit Program(std::shared_ptr<ipu_model::ProgramNode> node) : node_(std::move(node)) {}
  ipu_model::ProgramNode &own(); ///< the node, copied first where another program shares it
  std::shared_ptr<ipu_model::ProgramNode> node_;
};

class Sequence : public Program {
public:
  Sequence(const DebugContext & = {});
  Sequence(std::initializer_list<Program> programs, const DebugContext & = {});
  explicit Sequence(const std::vector<Program> &programs, const DebugContext & = {});
  template <typename First, typename... Rest,
            typename = std::enable_if_t<std::is_base_of_v<Program, std::decay_t<First>> &&
                                        (std::is_base_of_v<Program, std::decay_t<Rest>> && ...) &&
                                        !(std::is_same_v<std::decay_t<First>, Sequence> && sizeof...(Rest) == 0)>>
  Sequence(First &&first, Rest &&...rest) : Sequence() { // not explicit: a program stands for a sequence of it
    add(first);
    (add(rest), ...);
  }
  void add(const Program &program);
};

class Execute : public Program {
public:
  explicit Execute(ComputeSet computeSet, const DebugContext & = {});
  /// `allTrue` becomes the AND of what the vertices return.
  Execute(ComputeSet computeSet, const Tensor &allTrue, const DebugContext & = {});
};

class Copy : public Program {
public:
  Copy(const Tensor &source, const Tensor &destination, bool dontOutline = false, const DebugContext & = {});
  Copy(const DataStream &source, const Tensor &destination, bool rearrangeOnHost = false, const DebugContext & = {});
  Copy(const Tensor &source, const DataStream &destination, bool rearrangeOnHost = false, const DebugContext & = {});
  Copy(const RemoteBuffer &source, const Tensor &destination, const DebugContext & = {});
  Copy(const RemoteBuffer &source, const Tensor &destination, const Tensor &offset, const DebugContext & = {});
  Copy(const Tensor &source, const RemoteBuffer &destination, const DebugContext & = {});
  Copy(const Tensor &source, const RemoteBuffer &destination, const Tensor &offset, const DebugContext & = {});
};

class Repeat : public Program {
public:
  Repeat(unsigned count, const Program &body, const DebugContext & = {});
};

class RepeatWhileTrue : public Program {
public:
  RepeatWhileTrue(const Program &condition, const Tensor &predicate, const Program &body, const DebugContext & = {});
};

class RepeatWhileFalse : public Program {
public:
  RepeatWhileFalse(const Program &condition, const Tensor &predicate, const Program &body, const DebugContext & = {});
};

class If : public Program {
public:
  If(const Tensor &predicate, const Program &whenTrue, const Program &whenFalse, const DebugContext & = {});
};

class Switch : public Program {
public:
  using Case = std::pair<std::int32_t, Program>;
  explicit Switch(const Tensor &control, const DebugContext & = {});
  Switch(const Tensor &control, ArrayRef<Case> cases, const DebugContext & = {});
  Switch(const Tensor &control, const Program &otherwise, const DebugContext & = {});
  Switch(const Tensor &control, ArrayRef<Case> cases, const Program &otherwise, const DebugContext & = {});
  static Switch switchWithBoundsChecking(const Tensor &control, ArrayRef<Case> cases, const DebugContext & = {});
  static Switch switchWithUnreachableDefault(const Tensor &control, const DebugContext & = {});
  Switch &add(std::int32_t value, const Program &body);
};

class Call : public Program {
public:
  explicit Call(Function function, const DebugContext & = {});
  /// Not covered: throws poplar_error, as Graph::addHostFunction does.
  Call(const HostFunction &function, ArrayRef<Tensor> in, ArrayRef<Tensor> out, const DebugContext & = {});
};

class Sync : public Program {
public:
  explicit Sync(SyncType type, const DebugContext & = {});
};

class WriteUndef : public Program {
public:
  explicit WriteUndef(const Tensor &tensor, const DebugContext & = {});
};

class Block : public Program {
public:
  explicit Block(const Program &body, const DebugContext & = {});
};

class PrintTensor : public Program {
public:
  explicit PrintTensor(const Tensor &tensor, const DebugContext & = {});
  PrintTensor(const Tensor &tensor, const PrintTensorFmt &format, const DebugContext & = {});
  PrintTensor(StringRef title, const Tensor &tensor, const DebugContext & = {});
  PrintTensor(StringRef title, const Tensor &tensor, const PrintTensorFmt &format, const DebugContext & = {});
};

class ErrorProgram : public Program {
public:
  ErrorProgram(StringRef message, const Tensor &tensor, const DebugContext & = {});
};

class Abort : public Program {
public:
  explicit Abort(const DebugContext & = {});
  explicit Abort(const std::string &message, const DebugContext & = {});
  explicit Abort(const char *message, const DebugContext &name = {}) : Abort(std::string(message), name) {}
};

class AbortOnCondition : public Program {
public:
  explicit AbortOnCondition(const Tensor &predicate, const DebugContext & = {});
  AbortOnCondition(const Tensor &predicate, const std::string &message, const DebugContext & = {});
  AbortOnCondition(const Tensor &predicate, const char *message, const DebugContext &name = {})
      : AbortOnCondition(predicate, std::string(message), name) {}
};

/// Copies between replicas; not covered, as the model runs one replica (the constructor throws).
class CrossReplicaCopy : public Program {
public:
  template <typename... Args> explicit CrossReplicaCopy(Args &&...) { refuse(); }

private:
  [[noreturn]] static void refuse();
};

/// With one replica, a statement that holds.
class AssumeEqualAcrossReplicas : public Program {
public:
  explicit AssumeEqualAcrossReplicas(const Tensor &tensor, const DebugContext & = {});
};

} // namespace program
} // namespace poplar
