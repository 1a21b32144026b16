#pragma once
#include "Target.hpp"
#include <vector>

namespace poplar {

/// A machine that programs can be loaded on. Every device of this library is a model in host memory.
class Device {
public:
  Device() = default;
  explicit Device(Target target, unsigned id = 0) : target_(std::move(target)), id_(id) {}
  Device(Device &&) = default;
  Device &operator=(Device &&) = default;
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  static Device createCPUDevice(unsigned numTiles = 1);
  static Device createSimulatorDevice(const Target &target, const OptionFlags & = {});
  Device createVirtualDevice(unsigned tilesPerIPU) const;

  unsigned getId() const { return id_; }
  const Target &getTarget() const { return target_; }
  bool attach() const { return attached_ = true; }
  void detach() const { attached_ = false; }
  bool isAttached() const { return attached_; }
  bool hasRemoteBuffersSupport() const { return true; }
  bool supportsRemoteBuffers() const { return true; }
  std::vector<unsigned> getDriverIDs() const { return {id_}; }
  std::string getAttribute(StringRef) const { return ""; }

private:
  Target target_;
  unsigned id_ = 0;
  mutable bool attached_ = false;
};

} // namespace poplar
