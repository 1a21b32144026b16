#pragma once
#include "Device.hpp"

namespace poplar {

/// Description of a model machine; change its numbers, then create the device.
struct IPUModel {
  enum class RelativeSyncDelayType { AUTO, NO_DELAY };

  explicit IPUModel(const char *version = "ipu2"); ///< "ipu1", "ipu2" or "ipu21"

  std::string IPUVersion;
  unsigned numIPUs = 1;
  unsigned tilesPerIPU;
  unsigned tilesPerSuperTile = 4;
  RelativeSyncDelayType relativeSyncDelay = RelativeSyncDelayType::AUTO;
  unsigned minIPUSyncDelay; ///< cycles of a sync of the tiles of an IPU
  unsigned numWorkerContexts = 6;
  unsigned memoryBytesPerTile;
  double tileClockFrequency; ///< Hz
  unsigned exchangeBytesPerCycle = 4;
  unsigned memcpyBytesPerCycle = 8;
  unsigned globalSyncCycles;
  unsigned instructionBytes = 4;
  unsigned interleavedMemoryElementIndex;
  unsigned numStrideBits = 10;
  unsigned dataPathWidth = 64; ///< bits
  bool supportsSuperTileSendReceive;
  bool compileIPUCode = false; ///< the codelets are always run as host code

  Device createDevice(const OptionFlags & = {}, bool accurateHalf = false, unsigned deviceManagerId = ~0u) const;
};

} // namespace poplar
