#pragma once
#include "ExprOp.hpp"
#include "poplar/HostValues.hpp"
#include "poplar/Type.hpp"
#include "poputil/Names.hpp"
#include <memory>
#include <utility>

namespace popops::expr {

/// Formula over the elements of tensors: a value that shares its nodes.
class Expr {
public:
  enum class Kind { Const, PlaceHolder, Cast, Unary, Binary, Ternary };
  struct Node {
    Kind kind;
    Type type;                ///< of a Const or Cast
    double value = 0;         ///< of a Const
    std::int64_t integer = 0; ///< the same where it was given as an integer
    unsigned index = 0;       ///< of a PlaceHolder, from 1
    int op = 0;
    std::vector<std::shared_ptr<const Node>> args;
  };
  explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  const std::shared_ptr<const Node> &node() const { return node_; }
  std::unique_ptr<Expr> clone() const { return std::make_unique<Expr>(*this); }

protected:
  Expr(Kind kind, int op, const std::vector<Expr> &args) {
    Node node{kind, {}, 0, 0, 0, op, {}};
    for (const Expr &arg : args) node.args.push_back(arg.node_);
    node_ = std::make_shared<const Node>(std::move(node));
  }
  explicit Expr(Node node) : node_(std::make_shared<const Node>(std::move(node))) {}
  std::shared_ptr<const Node> node_;
};
using Any = Expr;

class Const : public Expr {
public:
  template <typename T, typename = ipu_model::IfArithmetic<T>> Const(T value)
      : Const(poplar::equivalent_device_type<T>::value, value) {}
  template <typename T> Const(Type type, T value)
      : Expr(Node{Kind::Const, type, static_cast<double>(value), integerOf(value), 0, 0, {}}) {}

private:
  template <typename T> static std::int64_t integerOf(T value) {
    return std::is_integral_v<T> ? static_cast<std::int64_t>(value) : 0;
  }
};
class ConstHalf : public Const {
public:
  ConstHalf(float value) : Const(poplar::HALF, value) {}
};

class PlaceHolder : public Expr {
public:
  explicit PlaceHolder(unsigned index) : Expr(Node{Kind::PlaceHolder, {}, 0, 0, index, 0, {}}) {}
};
inline const PlaceHolder _1(1), _2(2), _3(3), _4(4), _5(5), _6(6), _7(7), _8(8), _9(9), _10(10), _11(11), _12(12),
    _13(13), _14(14), _15(15), _16(16), _17(17), _18(18), _19(19), _20(20);

class Cast : public Expr {
public:
  Cast(const Expr &a, Type type) : Expr(Node{Kind::Cast, type, 0, 0, 0, 0, {a.node()}}) {}
};
class UnaryOp : public Expr {
public:
  UnaryOp(UnaryOpType op, const Expr &a) : Expr(Kind::Unary, static_cast<int>(op), {a}) {}
};
class BinaryOp : public Expr {
public:
  BinaryOp(BinaryOpType op, const Expr &a, const Expr &b) : Expr(Kind::Binary, static_cast<int>(op), {a, b}) {}
};
class TernaryOp : public Expr {
public:
  TernaryOp(TernaryOpType op, const Expr &a, const Expr &b, const Expr &c)
      : Expr(Kind::Ternary, static_cast<int>(op), {a, b, c}) {}
};

#define IPU_MODEL_UNARY_CLASS(op, function, cls)                                                                       \
  class cls : public UnaryOp {                                                                                         \
  public:                                                                                                              \
    explicit cls(const Expr &a) : UnaryOp(UnaryOpType::op, a) {}                                                       \
  };
#define IPU_MODEL_BINARY_CLASS(op, function, cls)                                                                      \
  class cls : public BinaryOp {                                                                                        \
  public:                                                                                                              \
    cls(const Expr &a, const Expr &b) : BinaryOp(BinaryOpType::op, a, b) {}                                            \
  };
IPU_MODEL_UNARY_OPS(IPU_MODEL_UNARY_CLASS)
IPU_MODEL_BINARY_OPS(IPU_MODEL_BINARY_CLASS)
#undef IPU_MODEL_UNARY_CLASS
#undef IPU_MODEL_BINARY_CLASS

/// The first where the third is true, else the second.
class Select : public TernaryOp {
public:
  Select(const Expr &a, const Expr &b, const Expr &c) : TernaryOp(TernaryOpType::SELECT, a, b, c) {}
};
/// The first, no less than the second and no more than the third.
class Clamp : public TernaryOp {
public:
  Clamp(const Expr &a, const Expr &b, const Expr &c) : TernaryOp(TernaryOpType::CLAMP, a, b, c) {}
};

#define IPU_MODEL_OPERATOR(symbol, cls)                                                                                \
  inline Expr operator symbol(const Expr &a, const Expr &b) { return cls(a, b); }                                      \
  template <typename T, typename = ipu_model::IfArithmetic<T>> Expr operator symbol(T a, const Expr &b) {              \
    return cls(Const(a), b);                                                                                           \
  }                                                                                                                    \
  template <typename T, typename = ipu_model::IfArithmetic<T>> Expr operator symbol(const Expr &a, T b) {              \
    return cls(a, Const(b));                                                                                           \
  }
IPU_MODEL_OPERATOR(+, Add)
IPU_MODEL_OPERATOR(-, Sub)
IPU_MODEL_OPERATOR(*, Mul)
IPU_MODEL_OPERATOR(/, Divide)
IPU_MODEL_OPERATOR(%, Rem)
IPU_MODEL_OPERATOR(==, Equal)
IPU_MODEL_OPERATOR(!=, NotEqual)
IPU_MODEL_OPERATOR(<, Lt)
IPU_MODEL_OPERATOR(<=, Lte)
IPU_MODEL_OPERATOR(>, Gt)
IPU_MODEL_OPERATOR(>=, Gte)
IPU_MODEL_OPERATOR(&&, And)
IPU_MODEL_OPERATOR(||, Or)
IPU_MODEL_OPERATOR(&, BitwiseAnd)
IPU_MODEL_OPERATOR(|, BitwiseOr)
IPU_MODEL_OPERATOR(^, BitwiseXor)
IPU_MODEL_OPERATOR(<<, Shl)
IPU_MODEL_OPERATOR(>>, Shr)
#undef IPU_MODEL_OPERATOR
inline Expr operator-(const Expr &a) { return Neg(a); }
inline Expr operator!(const Expr &a) { return Not(a); }
inline Expr operator~(const Expr &a) { return BitwiseNot(a); }

} // namespace popops::expr
