#pragma once
#include "poplar/IPUModel.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace ipu_model {

/// The numbers of a machine; sources and confidence in machine.cpp and cost_model.hpp.
struct TargetData {
  poplar::TargetType type = poplar::TargetType::IPU_MODEL;
  std::string arch; ///< "ipu1", "ipu2", "ipu21" or "cpu"
  poplar::IPUModel machine{"ipu2"};
  std::vector<unsigned> memoryElementOffsets;
  unsigned atomicStoreBytes = 8;
};

std::shared_ptr<const TargetData> makeTarget(const poplar::IPUModel &machine, poplar::TargetType);

} // namespace ipu_model
