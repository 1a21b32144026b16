#pragma once
#include "Device.hpp"
#include <vector>

namespace poplar {

/// Finds devices. No hardware is ever found; with IPU_MODEL_AS_DEVICE=ipu1|ipu2 in the environment,
/// requests for hardware (TargetType::IPU) are answered with a model device of that kind.
class DeviceManager {
public:
  DeviceManager() = default;
  static DeviceManager createDeviceManager() { return {}; }
  std::size_t getNumDevices() const { return getDevices().size(); }
  std::vector<Device> getDevices(const OptionFlags & = {}) const;
  std::vector<Device> getDevices(TargetType type, unsigned numIPUs, const OptionFlags & = {}) const;
  Device getDevice(unsigned id, const OptionFlags & = {}) const;
  Device acquireAvailableDevice(unsigned numIPUs = 1) const;
};

} // namespace poplar
