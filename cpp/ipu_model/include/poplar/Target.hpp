#pragma once
#include "OptionFlags.hpp"
#include "StringRef.hpp"
#include "TargetType.hpp"
#include "Type.hpp"
#include <cstdint>
#include <memory>
#include <vector>

namespace ipu_model {

/// The numbers of a machine; poplar::IPUModel lets programs change them.
struct Machine {
  std::string IPUVersion; ///< "ipu1", "ipu2" or "ipu21"
  unsigned numIPUs = 1;
  unsigned tilesPerIPU = 0;
  unsigned tilesPerSuperTile = 4;
  unsigned minIPUSyncDelay = 0; ///< cycles of a sync of the tiles of an IPU
  unsigned numWorkerContexts = 6;
  unsigned memoryBytesPerTile = 0;
  double tileClockFrequency = 0; ///< Hz
  unsigned exchangeBytesPerCycle = 4;
  unsigned memcpyBytesPerCycle = 8;
  unsigned globalSyncCycles = 0;
  unsigned instructionBytes = 4;
  unsigned interleavedMemoryElementIndex = 0;
  unsigned numStrideBits = 10;
  unsigned dataPathWidth = 64; ///< bits
  bool supportsSuperTileSendReceive = false;
  bool compileIPUCode = false; ///< the codelets are always run as host code
};

struct TargetData {
  poplar::TargetType type = poplar::TargetType::IPU_MODEL;
  std::string arch; ///< "ipu1", "ipu2", "ipu21" or "cpu"
  Machine machine;
  std::vector<unsigned> memoryElementOffsets;
  unsigned atomicStoreBytes = 8;
};

} // namespace ipu_model

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

  TargetType getTargetType() const { return data_->type; }
  StringRef getTargetArchString() const { return data_->arch; }
  StringRef getTargetSystemString() const { return "ipu-model"; }
  unsigned getNumIPUs() const { return data_->machine.numIPUs; }
  unsigned getTilesPerIPU() const { return data_->machine.tilesPerIPU; }
  unsigned getNumTiles() const { return getNumIPUs() * getTilesPerIPU(); }
  unsigned getNumWorkerContexts() const { return data_->machine.numWorkerContexts; }
  unsigned getBytesPerTile() const { return data_->machine.memoryBytesPerTile; }
  std::uint64_t getMemoryBytes() const { return std::uint64_t{getBytesPerTile()} * getNumTiles(); }
  unsigned getExchangeBytesPerCycle() const { return data_->machine.exchangeBytesPerCycle; }
  unsigned getMemcpyBytesPerCycle() const { return data_->machine.memcpyBytesPerCycle; }
  unsigned getMinIPUSyncDelay() const { return data_->machine.minIPUSyncDelay; }
  unsigned getMaxIPUSyncDelay() const { return data_->machine.minIPUSyncDelay + 36; }
  unsigned getGlobalSyncCycles() const { return data_->machine.globalSyncCycles; }
  double getTileClockFrequency() const { return data_->machine.tileClockFrequency; }
  unsigned getInterleavedMemoryElementIndex() const { return data_->machine.interleavedMemoryElementIndex; }
  const std::vector<unsigned> &getMemoryElementOffsets() const { return data_->memoryElementOffsets; }
  unsigned getNumStrideBits() const { return data_->machine.numStrideBits; }
  unsigned getDataPathWidth() const { return data_->machine.dataPathWidth; } ///< bits
  unsigned getFp16ConvUnitMaxPipelineDepth() const { return 4; }
  unsigned getFp16InFp16OutConvUnitsPerTile() const { return data_->arch == "ipu1" ? 8 : 16; }
  unsigned getFp16InFp32OutConvUnitsPerTile() const { return data_->arch == "ipu1" ? 8 : 16; }
  unsigned getFp32InFp32OutConvUnitsPerTile() const { return data_->arch == "ipu1" ? 4 : 8; }
  unsigned getWeightsPerConvUnit(bool floatActivations) const { return floatActivations ? 8 : 16; }
  unsigned getConvUnitCoeffLoadBytesPerCycle() const { return data_->arch == "ipu1" ? 8 : 16; }
  unsigned getRptCountMax() const { return 4095; }
  bool supportsExchangeBusSharing() const { return true; }
  unsigned getTilesPerSharedExchangeBus() const { return 2; }
  unsigned getFloatVectorWidth() const { return getDataPathWidth() / 32; }
  unsigned getHalfVectorWidth() const { return getDataPathWidth() / 16; }
  unsigned getVectorWidth(const Type &type) const;
  unsigned getAtomicStoreGranularity() const { return data_->atomicStoreBytes; } ///< bytes
  std::size_t getTypeSize(const Type &type) const { return type.size(); }

  const ipu_model::TargetData &data() const { return *data_; }
  friend bool operator==(const Target &a, const Target &b);
  friend bool operator!=(const Target &a, const Target &b) { return !(a == b); }

private:
  std::shared_ptr<const ipu_model::TargetData> data_;
};

void copyFloatToDeviceHalf(const Target &, const float *src, void *dst, std::size_t count);
void copyDeviceHalfToFloat(const Target &, const void *src, float *dst, std::size_t count);

} // namespace poplar
