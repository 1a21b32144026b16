#include "expression.hpp"
#include "../numbers.hpp"
#include "poputil/exceptions.hpp"
#include <algorithm>
#include <array>
#include <cmath>

namespace popops::expr {
#define IPU_MODEL_NAME(op, function, cls) #op,
std::string toString(UnaryOpType op) {
  static const char *const names[] = {IPU_MODEL_UNARY_OPS(IPU_MODEL_NAME)};
  return names[static_cast<std::size_t>(op)];
}
std::string toString(BinaryOpType op) {
  static const char *const names[] = {IPU_MODEL_BINARY_OPS(IPU_MODEL_NAME)};
  return names[static_cast<std::size_t>(op)];
}
#undef IPU_MODEL_NAME
std::string toString(TernaryOpType op) { return op == TernaryOpType::CLAMP ? "CLAMP" : "SELECT"; }
} // namespace popops::expr

namespace ipu_model {
namespace {

using poplar::Type;
using popops::expr::BinaryOpType;
using popops::expr::TernaryOpType;
using popops::expr::UnaryOpType;
using Kind = popops::expr::Expr::Kind;

constexpr std::size_t blockSize = 128;
/// Elements of one step: floating-point types use `f`, the others `i`.
struct Block {
  std::array<double, blockSize> f;
  std::array<std::int64_t, blockSize> i;
};

bool isPredicate(UnaryOpType op) {
  return op == UnaryOpType::IS_FINITE || op == UnaryOpType::IS_INF || op == UnaryOpType::IS_NAN;
}
bool givesBool(UnaryOpType op) { return isPredicate(op) || op == UnaryOpType::LOGICAL_NOT; }
bool isComparison(BinaryOpType op) {
  using B = BinaryOpType;
  return op == B::EQUAL || op == B::NOT_EQUAL || op == B::LESS_THAN || op == B::LESS_THAN_EQUAL ||
         op == B::GREATER_THAN || op == B::GREATER_THAN_EQUAL;
}
bool givesBool(BinaryOpType op) {
  return isComparison(op) || op == BinaryOpType::LOGICAL_AND || op == BinaryOpType::LOGICAL_OR;
}

double roundTo(Type type, double value) {
  return type == poplar::HALF ? static_cast<double>(halfToFloat(floatToHalf(static_cast<float>(value))))
                              : static_cast<double>(static_cast<float>(value));
}

/// Wraps as integers of the type do.
std::int64_t wrapTo(Type type, std::int64_t value) {
  if (type == poplar::BOOL) return value != 0;
  std::byte bytes[8];
  writeInteger(type, bytes, 0, value);
  return readInteger(type, bytes, 0);
}

double unaryFloat(UnaryOpType op, double a) {
  using U = UnaryOpType;
  switch (op) {
  case U::ABSOLUTE: return std::fabs(a);
  case U::ASIN: return std::asin(a);
  case U::CBRT: return std::cbrt(a);
  case U::CEIL: return std::ceil(a);
  case U::COS: return std::cos(a);
  case U::ERF: return std::erf(a);
  case U::EXPONENT: return std::exp(a);
  case U::EXPONENT_MINUS_ONE: return std::expm1(a);
  case U::FLOOR: return std::floor(a);
  case U::GELU_ERF: return 0.5 * a * (1 + std::erf(a / std::sqrt(2.0)));
  case U::INVERSE: return 1 / a;
  case U::LOGARITHM: return std::log(a);
  case U::LOGARITHM_ONE_PLUS: return std::log1p(a);
  case U::NEGATE: return -a;
  case U::RELU: return a > 0 ? a : 0;
  case U::ROUND: return std::round(a);
  case U::RSQRT: return 1 / std::sqrt(a);
  case U::SIGMOID: return 1 / (1 + std::exp(-a));
  case U::SIGNUM: return a > 0 ? 1 : a < 0 ? -1 : 0;
  case U::SIN: return std::sin(a);
  case U::SQRT: return std::sqrt(a);
  case U::SQUARE: return a * a;
  case U::TAN: return std::tan(a);
  case U::TANH: return std::tanh(a);
  case U::TRUNC: return std::trunc(a);
  default: break;
  }
  throw poputil::poplibs_error("operation " + toString(op) + " does not take floating-point numbers");
}

std::int64_t unaryInteger(UnaryOpType op, std::int64_t a, Type type) {
  using U = UnaryOpType;
  const unsigned bits = static_cast<unsigned>(type.size()) * 8;
  const std::uint64_t raw =
      static_cast<std::uint64_t>(a) & (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1);
  switch (op) {
  case U::ABSOLUTE: return a < 0 ? -a : a;
  case U::BITWISE_NOT: return ~a;
  case U::COUNT_LEADING_ZEROS: return raw == 0 ? bits : __builtin_clzll(raw) - (64 - static_cast<int>(bits));
  case U::LOGICAL_NOT: return a == 0;
  case U::NEGATE: return -a;
  case U::POPCOUNT: return __builtin_popcountll(raw);
  case U::RELU: return a > 0 ? a : 0;
  case U::SIGNUM: return a > 0 ? 1 : a < 0 ? -1 : 0;
  case U::SQUARE: return a * a;
  case U::SQRT: return static_cast<std::int64_t>(std::sqrt(static_cast<double>(a)));
  default: break;
  }
  throw poputil::poplibs_error("operation " + toString(op) + " does not take integers");
}

double binaryFloat(BinaryOpType op, double a, double b) {
  using B = BinaryOpType;
  switch (op) {
  case B::ADD: return a + b;
  case B::ATAN2: return std::atan2(a, b);
  case B::DIVIDE: return a / b;
  case B::MAXIMUM: return a > b ? a : b;
  case B::MINIMUM: return a < b ? a : b;
  case B::MULTIPLY: return a * b;
  case B::POWER: return std::pow(a, b);
  case B::REMAINDER: return std::fmod(a, b);
  case B::SUBTRACT: return a - b;
  case B::INV_STD_DEV_TO_VARIANCE: return 1 / (a * a) - b;
  case B::VARIANCE_TO_INV_STD_DEV: return 1 / std::sqrt(a + b);
  default: break;
  }
  throw poputil::poplibs_error("operation " + toString(op) + " does not take floating-point numbers");
}

std::int64_t binaryInteger(BinaryOpType op, std::int64_t a, std::int64_t b, Type type) {
  using B = BinaryOpType;
  const unsigned bits = static_cast<unsigned>(type.size()) * 8;
  const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const auto wrapped = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
  const auto ua = static_cast<std::uint64_t>(a), ub = static_cast<std::uint64_t>(b);
  switch (op) {
  case B::ADD: return wrapped(ua + ub);
  case B::SUBTRACT: return wrapped(ua - ub);
  case B::MULTIPLY: return wrapped(ua * ub);
  case B::DIVIDE: return b == 0 ? 0 : b == -1 ? wrapped(0 - ua) : a / b;
  case B::REMAINDER: return b == 0 || b == -1 ? 0 : a % b;
  case B::MAXIMUM: return std::max(a, b);
  case B::MINIMUM: return std::min(a, b);
  case B::BITWISE_AND: return a & b;
  case B::BITWISE_OR: return a | b;
  case B::BITWISE_XOR: return a ^ b;
  case B::BITWISE_XNOR: return ~(a ^ b);
  case B::LOGICAL_AND: return a != 0 && b != 0;
  case B::LOGICAL_OR: return a != 0 || b != 0;
  case B::SHIFT_LEFT: return ub >= bits ? 0 : wrapped(ua << ub);
  case B::SHIFT_RIGHT: return ub >= bits ? 0 : wrapped((ua & mask) >> ub);
  case B::SHIFT_RIGHT_SIGN_EXTEND: return a >> std::min<std::uint64_t>(ub, bits - 1);
  case B::POWER: {
    std::uint64_t result = 1, base = ua;
    for (std::uint64_t e = b < 0 ? 0 : ub; e != 0; e >>= 1, base *= base) result *= e & 1 ? base : 1;
    return wrapped(result);
  }
  default: break;
  }
  throw poputil::poplibs_error("operation " + toString(op) + " does not take integers");
}

template <typename T> bool compare(BinaryOpType op, T a, T b) {
  using B = BinaryOpType;
  switch (op) {
  case B::EQUAL: return a == b;
  case B::NOT_EQUAL: return a != b;
  case B::LESS_THAN: return a < b;
  case B::LESS_THAN_EQUAL: return a <= b;
  case B::GREATER_THAN: return a > b;
  default: return a >= b;
  }
}

/// How many of the first operands have the type of the result; the condition of SELECT has its own.
std::size_t resultOperands(const popops::expr::Expr::Node &node) {
  const bool select = node.kind == Kind::Ternary && static_cast<TernaryOpType>(node.op) == TernaryOpType::SELECT;
  return select ? 2 : node.args.size();
}

/// Cycles a vector of two floats, after the estimators of poplibs where they are public.
double cyclesOf(UnaryOpType op) {
  using U = UnaryOpType;
  switch (op) {
  case U::EXPONENT:
  case U::EXPONENT_MINUS_ONE:
  case U::LOGARITHM:
  case U::LOGARITHM_ONE_PLUS: return 6;
  case U::SQRT:
  case U::RSQRT:
  case U::INVERSE: return 10;
  case U::TANH:
  case U::SIGMOID:
  case U::ERF:
  case U::GELU_ERF: return 12;
  case U::SIN:
  case U::COS:
  case U::TAN:
  case U::ASIN:
  case U::CBRT: return 150;
  default: return 2;
  }
}
double cyclesOf(BinaryOpType op, Type type) {
  if (op == BinaryOpType::DIVIDE || op == BinaryOpType::REMAINDER) return type.isFloatingPoint() ? 10 : 277;
  if (op == BinaryOpType::POWER || op == BinaryOpType::ATAN2) return 100;
  return isComparison(op) ? 3.5 : type.isFloatingPoint() ? 2 : 7;
}

} // namespace

Expression::Expression(const popops::expr::Expr &formula, const std::vector<Type> &operands) {
  add(*formula.node(), operands, typeOf(*formula.node(), operands));
}

Type Expression::typeOf(const Node &node, const std::vector<Type> &operands) const {
  switch (node.kind) {
  case Kind::Const: return Type();
  case Kind::PlaceHolder:
    if (node.index == 0 || node.index > operands.size())
      throw poputil::poplibs_error("the formula uses operand _" + std::to_string(node.index) + ", " +
                                   std::to_string(operands.size()) + " were given");
    return operands[node.index - 1];
  case Kind::Cast: return node.type;
  case Kind::Unary:
    return givesBool(static_cast<UnaryOpType>(node.op)) ? poplar::BOOL : typeOf(*node.args[0], operands);
  case Kind::Binary:
    if (givesBool(static_cast<BinaryOpType>(node.op))) return poplar::BOOL;
    break;
  case Kind::Ternary: break;
  }
  for (std::size_t i = 0; i != resultOperands(node); ++i)
    if (const Type type = typeOf(*node.args[i], operands); type != Type()) return type;
  return Type();
}

Type Expression::constantType(const Node &node) {
  if (node.kind == Kind::Const) return node.type;
  Type first;
  for (std::size_t i = 0; i != resultOperands(node); ++i) {
    const Type type = constantType(*node.args[i]);
    if (type.isFloatingPoint()) return type;
    if (first == Type()) first = type;
  }
  return first;
}

std::size_t Expression::add(const Node &node, const std::vector<Type> &operands, Type wanted) {
  Step step{node.kind, wanted, node.op, node.index, node.value, node.integer, {}};
  const auto argument = [&](std::size_t i, Type type) { step.args.push_back(add(*node.args[i], operands, type)); };
  // The type of the operands. Constants alone take the type that the result is wanted in where that is theirs too.
  const auto commonType = [&](bool likeResult) {
    Type common;
    for (std::size_t i = 0; i != resultOperands(node); ++i) {
      const Type type = typeOf(*node.args[i], operands);
      if (type == Type()) continue;
      if (common != Type() && type != common)
        throw poputil::poplibs_error("operands of different types: '" + common.toString() + "' and '" +
                                     type.toString() + "'; cast one of them");
      common = type;
    }
    if (common == Type() && likeResult) common = wanted;
    return common != Type() ? common : constantType(node);
  };
  switch (node.kind) {
  case Kind::Const:
    if (step.type == Type()) step.type = node.type;
    break;
  case Kind::PlaceHolder: step.type = typeOf(node, operands); break;
  case Kind::Cast: {
    const Type type = typeOf(*node.args[0], operands);
    argument(0, type == Type() ? constantType(*node.args[0]) : type);
    step.type = node.type;
    break;
  }
  case Kind::Unary: {
    const auto op = static_cast<UnaryOpType>(node.op);
    const Type type = commonType(!givesBool(op));
    argument(0, type);
    step.type = givesBool(op) ? poplar::BOOL : type;
    cyclesPerVector_ += cyclesOf(op);
    // Fail now, not while running, where an operation does not exist for the type.
    if (isPredicate(op) && !type.isFloatingPoint())
      throw poputil::poplibs_error("operation " + toString(op) + " does not take integers");
    if (!isPredicate(op))
      type.isFloatingPoint() ? static_cast<void>(unaryFloat(op, 1)) : static_cast<void>(unaryInteger(op, 1, type));
    break;
  }
  case Kind::Binary: {
    const auto op = static_cast<BinaryOpType>(node.op);
    const Type type = commonType(!givesBool(op));
    argument(0, type);
    argument(1, type);
    step.type = givesBool(op) ? poplar::BOOL : type;
    cyclesPerVector_ += cyclesOf(op, type);
    if (!isComparison(op))
      type.isFloatingPoint() ? static_cast<void>(binaryFloat(op, 1, 1))
                             : static_cast<void>(binaryInteger(op, 1, 1, type));
    break;
  }
  case Kind::Ternary: {
    const bool select = static_cast<TernaryOpType>(node.op) == TernaryOpType::SELECT;
    const Type type = commonType(true);
    argument(0, type);
    argument(1, type);
    Type last = type;
    if (select) {
      last = typeOf(*node.args[2], operands);
      if (last == Type()) last = constantType(*node.args[2]);
      if (last.isFloatingPoint())
        throw poputil::poplibs_error("the condition of SELECT has the type '" + last.toString() +
                                     "'; it must be bool or an integer: compare it with something, or cast it");
    }
    argument(2, last);
    step.type = type;
    cyclesPerVector_ += 4;
    break;
  }
  }
  steps_.push_back(std::move(step));
  return steps_.size() - 1;
}

std::string Expression::name() const {
  std::string text;
  for (const Step &step : steps_) {
    std::string op;
    if (step.kind == Kind::Unary)
      op = toString(static_cast<UnaryOpType>(step.op));
    else if (step.kind == Kind::Binary)
      op = toString(static_cast<BinaryOpType>(step.op));
    else if (step.kind == Kind::Ternary)
      op = toString(static_cast<TernaryOpType>(step.op));
    else if (step.kind == Kind::Cast)
      op = "CAST";
    text += op.empty() || text.empty() ? op : "_" + op;
  }
  return "popops::Map<" + (text.empty() ? "COPY" : text) + "," + resultType().toString() + ">";
}

void Expression::evaluate(const std::vector<const void *> &operands, void *out, Type outType, std::size_t count) const {
  std::vector<Block> blocks(steps_.size());
  for (std::size_t base = 0; base < count; base += blockSize) {
    const std::size_t n = std::min(blockSize, count - base);
    for (std::size_t s = 0; s != steps_.size(); ++s) {
      const Step &step = steps_[s];
      Block &r = blocks[s];
      const bool floating = step.type.isFloatingPoint();
      const Block *a = step.args.empty() ? nullptr : &blocks[step.args[0]];
      const Block *b = step.args.size() < 2 ? nullptr : &blocks[step.args[1]];
      const Type from = step.args.empty() ? step.type : steps_[step.args[0]].type;
      switch (step.kind) {
      case Kind::Const: {
        const double value = roundTo(step.type, step.value);
        const std::int64_t integer = wrapTo(floating ? poplar::LONGLONG : step.type,
                                            step.integer != 0 ? step.integer : static_cast<std::int64_t>(step.value));
        std::fill_n(r.f.begin(), n, value);
        std::fill_n(r.i.begin(), n, integer);
        break;
      }
      case Kind::PlaceHolder: {
        const void *const data = operands[step.operand - 1];
        if (step.type == poplar::FLOAT) {
          const float *const values = static_cast<const float *>(data) + base;
          for (std::size_t i = 0; i != n; ++i) r.f[i] = static_cast<double>(values[i]);
        } else if (floating) {
          for (std::size_t i = 0; i != n; ++i) r.f[i] = readNumber(step.type, data, base + i);
        } else {
          for (std::size_t i = 0; i != n; ++i) r.i[i] = readInteger(step.type, data, base + i);
        }
        break;
      }
      case Kind::Cast:
        for (std::size_t i = 0; i != n; ++i) {
          if (floating) {
            r.f[i] = roundTo(step.type, from.isFloatingPoint() ? a->f[i] : static_cast<double>(a->i[i]));
          } else if (from.isFloatingPoint()) {
            std::byte bytes[8];
            writeNumber(step.type, bytes, 0, a->f[i]);
            r.i[i] = readInteger(step.type, bytes, 0);
          } else {
            r.i[i] = wrapTo(step.type, a->i[i]);
          }
        }
        break;
      case Kind::Unary: {
        const auto op = static_cast<UnaryOpType>(step.op);
        if (isPredicate(op))
          for (std::size_t i = 0; i != n; ++i)
            r.i[i] = op == UnaryOpType::IS_NAN   ? std::isnan(a->f[i])
                     : op == UnaryOpType::IS_INF ? std::isinf(a->f[i])
                                                 : std::isfinite(a->f[i]);
        else if (floating)
          for (std::size_t i = 0; i != n; ++i) r.f[i] = roundTo(step.type, unaryFloat(op, a->f[i]));
        else
          for (std::size_t i = 0; i != n; ++i) r.i[i] = wrapTo(step.type, unaryInteger(op, a->i[i], from));
        break;
      }
      case Kind::Binary: {
        const auto op = static_cast<BinaryOpType>(step.op);
        if (isComparison(op) && from.isFloatingPoint())
          for (std::size_t i = 0; i != n; ++i) r.i[i] = compare(op, a->f[i], b->f[i]);
        else if (isComparison(op))
          for (std::size_t i = 0; i != n; ++i) r.i[i] = compare(op, a->i[i], b->i[i]);
        else if (floating)
          for (std::size_t i = 0; i != n; ++i) r.f[i] = roundTo(step.type, binaryFloat(op, a->f[i], b->f[i]));
        else
          for (std::size_t i = 0; i != n; ++i) r.i[i] = wrapTo(step.type, binaryInteger(op, a->i[i], b->i[i], from));
        break;
      }
      case Kind::Ternary: {
        const Block &c = blocks[step.args[2]];
        const bool select = static_cast<TernaryOpType>(step.op) == TernaryOpType::SELECT;
        for (std::size_t i = 0; i != n; ++i) {
          if (floating)
            r.f[i] = select ? (c.i[i] ? a->f[i] : b->f[i]) : std::min(std::max(a->f[i], b->f[i]), c.f[i]);
          else
            r.i[i] = select ? (c.i[i] ? a->i[i] : b->i[i]) : std::min(std::max(a->i[i], b->i[i]), c.i[i]);
        }
        break;
      }
      }
    }
    const Block &result = blocks.back();
    if (outType == poplar::FLOAT) {
      float *const values = static_cast<float *>(out) + base;
      for (std::size_t i = 0; i != n; ++i) values[i] = static_cast<float>(result.f[i]);
    } else if (outType.isFloatingPoint()) {
      for (std::size_t i = 0; i != n; ++i) writeNumber(outType, out, base + i, result.f[i]);
    } else {
      for (std::size_t i = 0; i != n; ++i) writeInteger(outType, out, base + i, result.i[i]);
    }
  }
}

} // namespace ipu_model
