#pragma once
#include "poplar/Graph.hpp"
#include "poplar/Program.hpp"
#include "poputil/exceptions.hpp"
#include <functional>
#include <vector>

namespace poputil::graphfn {

enum ArgType { InputArg, OutputArg, InOutArg, CreatedArg };

struct ArgSig {
  ArgType type;
  poplar::Tensor similarTensor;
  std::string debugName;
};

inline ArgSig input(poplar::Tensor t, std::string name = "") {
  return {InputArg, std::move(t), std::move(name)};
}
inline ArgSig output(poplar::Tensor t, std::string name = "") {
  return {OutputArg, std::move(t), std::move(name)};
}
inline ArgSig inout(poplar::Tensor t, std::string name = "") {
  return {InOutArg, std::move(t), std::move(name)};
}
inline ArgSig created(std::string name = "") { return {CreatedArg, {}, std::move(name)}; }
using Signature = std::vector<ArgSig>;

/// Code that is made once and called with different tensors, which are copied in and out.
class VoidFunction {
public:
  using Body = std::function<void(std::vector<poplar::Tensor> &, poplar::program::Sequence &)>;
  VoidFunction(poplar::Graph &graph, Signature signature, const Body &body, bool = true,
               const poplar::DebugContext & = {});
  /// The form whose body names what it makes.
  template <typename F, typename = std::enable_if_t<std::is_invocable_v<F, std::vector<poplar::Tensor> &,
                                                                        poplar::program::Sequence &,
                                                                        const poplar::DebugNameAndId &>>>
  VoidFunction(poplar::Graph &graph, Signature signature, const F &body, bool inlinable = true,
               const poplar::DebugContext &name = {})
      : VoidFunction(graph, std::move(signature),
                     Body([&](auto &args, auto &prog) { body(args, prog, name); }), inlinable, name) {}
  void operator()(std::vector<poplar::Tensor> &args, poplar::program::Sequence &prog,
                  const poplar::DebugContext & = {});

private:
  poplar::Graph &graph_;
  Signature signature_;
  std::vector<poplar::Tensor> params_;
  poplar::Function function_;
};

} // namespace poputil::graphfn
