// Text of the tables and entry points that a codelet's shared object exports.
#pragma once

#include "debug_info.hpp"

#include <string>
#include <vector>

namespace ipu_model {

/// Raised whenever the tables or the device headers change meaning: old cached codelets are then left alone.
constexpr unsigned entryPointVersion = 2;

/// To be compiled after the preprocessed codelet source. Holds no preprocessor directives.
std::string entryPointSource(const std::vector<ReflectedClass> &classes, bool usesRandom);

} // namespace ipu_model
