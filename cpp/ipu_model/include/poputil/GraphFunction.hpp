#pragma once
#include "poputil/Names.hpp"
#include "poputil/exceptions.hpp"
#include <functional>

namespace poputil::graphfn {

enum ArgType { InputArg, OutputArg, InOutArg, CreatedArg };

struct ArgSig {
  ArgType type;
  Tensor similarTensor;
  std::string debugName;
};

inline ArgSig input(Tensor t, std::string name = "") { return {InputArg, std::move(t), std::move(name)}; }
inline ArgSig output(Tensor t, std::string name = "") { return {OutputArg, std::move(t), std::move(name)}; }
inline ArgSig inout(Tensor t, std::string name = "") { return {InOutArg, std::move(t), std::move(name)}; }
inline ArgSig created(std::string name = "") { return {CreatedArg, {}, std::move(name)}; }
using Signature = std::vector<ArgSig>;

/// Code that is made once and called with different tensors, which are copied in and out.
class VoidFunction {
public:
  using Body = std::function<void(std::vector<Tensor> &, Sequence &)>;
  VoidFunction(Graph &graph, Signature signature, const Body &body, bool = true, const DebugContext & = {});
  /// The form whose body names what it makes.
  template <typename F, typename = std::enable_if_t<
                            std::is_invocable_v<F, std::vector<Tensor> &, Sequence &, const poplar::DebugNameAndId &>>>
  VoidFunction(Graph &graph, Signature signature, const F &body, bool inlinable = true, const DebugContext &name = {})
      : VoidFunction(graph, std::move(signature), Body([&](auto &args, auto &prog) { body(args, prog, name); }),
                     inlinable, name) {}
  void operator()(std::vector<Tensor> &args, Sequence &prog, const DebugContext & = {});

private:
  Graph &graph_;
  Signature signature_;
  std::vector<Tensor> params_;
  poplar::Function function_;
};

} // namespace poputil::graphfn
