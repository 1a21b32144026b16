#pragma once
#include <string>

namespace popops::expr {

// One list each: the enumerators, and (in ElementWise.hpp and Expr.hpp) the functions and classes.
#define IPU_MODEL_UNARY_OPS(X)                                                                                         \
  X(ABSOLUTE, abs, Abs)                                                                                                \
  X(ASIN, asin, Asin) X(BITWISE_NOT, bitwiseNot, BitwiseNot) X(CBRT, cbrt, Cbrt) X(CEIL, ceil, Ceil) X(COS, cos, Cos)  \
      X(COUNT_LEADING_ZEROS, countLeadingZeros, Clz) X(ERF, erf, Erf) X(EXPONENT, exp, Exp)                            \
          X(EXPONENT_MINUS_ONE, expm1, Expm1) X(FLOOR, floor, Floor) X(GELU_ERF, geluErf, GeluErf)                     \
              X(INVERSE, inv, Inv) X(IS_FINITE, isFinite, IsFinite) X(IS_INF, isInf, IsInf) X(IS_NAN, isNaN, IsNaN)    \
                  X(LOGARITHM, log, Log) X(LOGARITHM_ONE_PLUS, log1p, Log1p) X(LOGICAL_NOT, logicalNot, Not)           \
                      X(NEGATE, neg, Neg) X(POPCOUNT, popcount, Popcount) X(RELU, relu, Relu) X(ROUND, round, Round)   \
                          X(RSQRT, rsqrt, Rsqrt) X(SIGMOID, sigmoid, Sigmoid) X(SIGNUM, signum, Signum)                \
                              X(SIN, sin, Sin) X(SQRT, sqrt, Sqrt) X(SQUARE, square, Square) X(TAN, tan, Tan)          \
                                  X(TANH, tanh, Tanh) X(TRUNC, trunc, Trunc)

#define IPU_MODEL_BINARY_OPS(X)                                                                                        \
  X(ADD, add, Add)                                                                                                     \
  X(ATAN2, atan2, Atan2) X(BITWISE_AND, bitwiseAnd, BitwiseAnd) X(BITWISE_OR, bitwiseOr, BitwiseOr)                    \
      X(BITWISE_XOR, bitwiseXor, BitwiseXor) X(BITWISE_XNOR, bitwiseXnor, BitwiseXnor) X(DIVIDE, div, Divide)          \
          X(EQUAL, eq, Equal) X(GREATER_THAN_EQUAL, gteq, Gte) X(GREATER_THAN, gt, Gt)                                 \
              X(INV_STD_DEV_TO_VARIANCE, invStdDevToVariance, InvStdDevToVariance) X(LESS_THAN_EQUAL, lteq, Lte)       \
                  X(LESS_THAN, lt, Lt) X(LOGICAL_AND, logicalAnd, And) X(LOGICAL_OR, logicalOr, Or)                    \
                      X(MAXIMUM, max, Max) X(MINIMUM, min, Min) X(MULTIPLY, mul, Mul) X(NOT_EQUAL, neq, NotEqual)      \
                          X(POWER, pow, Pow) X(REMAINDER, rem, Rem) X(SHIFT_LEFT, shiftLeft, Shl)                      \
                              X(SHIFT_RIGHT, shiftRight, Shr) X(SHIFT_RIGHT_SIGN_EXTEND, shiftRightSignExtend, ShrSE)  \
                                  X(SUBTRACT, sub, Sub)                                                                \
                                      X(VARIANCE_TO_INV_STD_DEV, varianceToInvStdDev, VarianceToInvStdDev)

#define IPU_MODEL_ENUMERATOR(op, function, cls) op,
enum class UnaryOpType { IPU_MODEL_UNARY_OPS(IPU_MODEL_ENUMERATOR) };
enum class BinaryOpType { IPU_MODEL_BINARY_OPS(IPU_MODEL_ENUMERATOR) };
#undef IPU_MODEL_ENUMERATOR
enum class TernaryOpType { CLAMP, SELECT };

std::string toString(UnaryOpType op);
std::string toString(BinaryOpType op);
std::string toString(TernaryOpType op);

} // namespace popops::expr
