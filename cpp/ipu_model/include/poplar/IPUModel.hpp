#pragma once
#include "Device.hpp"

namespace poplar {

/// Description of a model machine; change its numbers, then create the device.
struct IPUModel : ipu_model::Machine {
  enum class RelativeSyncDelayType { AUTO, NO_DELAY };
  explicit IPUModel(const char *version = "ipu2"); ///< "ipu1", "ipu2" or "ipu21"
  RelativeSyncDelayType relativeSyncDelay = RelativeSyncDelayType::AUTO;
  Device createDevice(const OptionFlags & = {}, bool accurateHalf = false, unsigned deviceManagerId = ~0u) const;
};

} // namespace poplar
