#pragma once
// Element-wise formulas, evaluated in blocks: each operation rounds its result to its type.

#include "poplar/Type.hpp"
#include "popops/Expr.hpp"
#include <string>
#include <vector>

namespace ipu_model {

class Expression {
public:
  /// Throws poplibs_error where the operands' types do not fit the operations.
  Expression(const popops::expr::Expr &formula, const std::vector<poplar::Type> &operands);

  poplar::Type resultType() const { return steps_.back().type; }
  std::string name() const;
  /// Worker cycles for one vector of elements.
  double cyclesPerVector() const { return cyclesPerVector_; }
  /// out[i] = formula(operands[0][i], operands[1][i], ...) for i < count.
  void evaluate(const std::vector<const void *> &operands, void *out, poplar::Type outType, std::size_t count) const;

private:
  using Node = popops::expr::Expr::Node;
  struct Step { ///< one operation, on results of earlier steps
    popops::expr::Expr::Kind kind;
    poplar::Type type;
    int op;
    unsigned operand;
    double value;
    std::int64_t integer;
    std::vector<std::size_t> args;
  };
  std::size_t add(const Node &node, const std::vector<poplar::Type> &operands, poplar::Type wanted);
  /// None for a formula of constants: it takes the type of what it meets.
  poplar::Type typeOf(const Node &node, const std::vector<poplar::Type> &operands) const;
  /// The type that a formula of constants has where it meets nothing: the first floating-point one in it, else the
  /// first.
  static poplar::Type constantType(const Node &node);
  std::vector<Step> steps_;
  double cyclesPerVector_ = 0;
};

} // namespace ipu_model
