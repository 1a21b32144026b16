#pragma once
#include "poplar/exceptions.hpp"

namespace poputil {
struct poplibs_error : poplar::poplar_error {
  explicit poplibs_error(const std::string &message) : poplar::poplar_error(message, "poplibs_error") {}
};
} // namespace poputil
