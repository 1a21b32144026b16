#pragma once
#include "OptionFlags.hpp"
#include "StringRef.hpp"
#include "TargetType.hpp"
#include "Type.hpp"
#include <cstdint>
#include <memory>
#include <vector>

namespace ipu_model {
struct TargetData;
}

namespace poplar {

/// The machine that a graph is built for.
class Target {
public:
  Target();
  explicit Target(std::shared_ptr<const ipu_model::TargetData> data) : data_(std::move(data)) {}

  static Target createCPUTarget(bool accurateHalf = false, unsigned numIPUs = 1);
  static Target createIPUTarget(unsigned numIPUs, StringRef systemType, const OptionFlags & = {});
  static Target createIPUTarget(unsigned numIPUs, unsigned tilesPerIPU, StringRef systemType, const OptionFlags & = {});
  Target createVirtualTarget(unsigned numIPUs, unsigned tilesPerIPU) const;

  TargetType getTargetType() const;
  StringRef getTargetArchString() const;
  StringRef getTargetSystemString() const;
  unsigned getNumIPUs() const;
  unsigned getTilesPerIPU() const;
  unsigned getNumTiles() const { return getNumIPUs() * getTilesPerIPU(); }
  unsigned getNumWorkerContexts() const;
  unsigned getBytesPerTile() const;
  std::uint64_t getMemoryBytes() const;
  unsigned getExchangeBytesPerCycle() const;
  unsigned getMemcpyBytesPerCycle() const;
  unsigned getMinIPUSyncDelay() const;
  unsigned getMaxIPUSyncDelay() const;
  unsigned getGlobalSyncCycles() const;
  double getTileClockFrequency() const;
  unsigned getInterleavedMemoryElementIndex() const;
  const std::vector<unsigned> &getMemoryElementOffsets() const;
  unsigned getNumStrideBits() const;
  unsigned getDataPathWidth() const; ///< bits
  unsigned getFp16ConvUnitMaxPipelineDepth() const;
  unsigned getFp16InFp16OutConvUnitsPerTile() const;
  unsigned getFp16InFp32OutConvUnitsPerTile() const;
  unsigned getFp32InFp32OutConvUnitsPerTile() const;
  unsigned getWeightsPerConvUnit(bool floatActivations) const;
  unsigned getConvUnitCoeffLoadBytesPerCycle() const;
  unsigned getRptCountMax() const;
  bool supportsExchangeBusSharing() const;
  unsigned getTilesPerSharedExchangeBus() const;
  unsigned getFloatVectorWidth() const { return getDataPathWidth() / 32; }
  unsigned getHalfVectorWidth() const { return getDataPathWidth() / 16; }
  unsigned getVectorWidth(const Type &type) const;
  unsigned getAtomicStoreGranularity() const; ///< bytes
  std::size_t getTypeSize(const Type &type) const { return type.size(); }
  std::uint32_t makeFpIctlValue(bool inv, bool div0, bool oflo, bool esr, bool nanoo) const;

  const ipu_model::TargetData &data() const { return *data_; }
  friend bool operator==(const Target &a, const Target &b);
  friend bool operator!=(const Target &a, const Target &b) { return !(a == b); }

private:
  std::shared_ptr<const ipu_model::TargetData> data_;
};

void copyFloatToDeviceHalf(const Target &, const float *src, void *dst, std::size_t count);
void copyDeviceHalfToFloat(const Target &, const void *src, float *dst, std::size_t count);
void copyDoubleToDeviceHalf(const Target &, const double *src, void *dst, std::size_t count);
void copyDeviceHalfToDouble(const Target &, const void *src, double *dst, std::size_t count);

} // namespace poplar
