// Chooses how many tiles share a row from constants of the target, no device code at all.
#include <poplar/IPUModel.hpp>
#include <poplar/Target.hpp>
#include <poplar/Type.hpp>

#include <algorithm>
#include <iostream>
#include <limits>

using namespace poplar;

int main() {
  for (const char *version : {"ipu1", "ipu2"}) {
    const auto device = IPUModel(version).createDevice();
    const Target &target = device.getTarget();
    const double bytesPerCycle = target.getExchangeBytesPerCycle();
    double best = std::numeric_limits<double>::max();
    unsigned bestSplit = 0;
    const unsigned columns = 8192;
    for (unsigned split = 1; split <= 64; split *= 2) {
      const unsigned perTile = (columns + split - 1) / split;
      const unsigned perWorker = (perTile + target.getNumWorkerContexts() - 1) / target.getNumWorkerContexts();
      const double compute = target.getNumWorkerContexts() * (20.0 + perWorker / target.getVectorWidth(FLOAT));
      const double exchange = target.getTypeSize(FLOAT) * split / bytesPerCycle + target.getMaxIPUSyncDelay();
      if (perTile * target.getTypeSize(FLOAT) > target.getBytesPerTile())
        continue;
      if (compute + exchange < best) {
        best = compute + exchange;
        bestSplit = split;
      }
    }
    std::cout << version << ": " << target.getNumTiles() << " tiles of " << target.getBytesPerTile()
              << " bytes, " << target.getNumWorkerContexts() << " workers, split " << bestSplit << "\n";
    if (target.getMemoryBytes() != std::uint64_t(target.getNumTiles()) * target.getBytesPerTile())
      return 1;
    if (target.getTargetType() != TargetType::IPU_MODEL || target.getVectorWidth(HALF) != 4)
      return 1;
    if (target.getDataPathWidth() != 64 || target.getTilesPerSharedExchangeBus() != 2)
      return 1;
  }
}
