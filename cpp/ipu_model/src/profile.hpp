#pragma once
// Cycles of every step and memory of every tile, as the model estimates them.

#include "compute_set.hpp"
#include "cost_model.hpp"
#include "program_node.hpp"
#include "tile_layout.hpp"
#include <array>
#include <locale>
#include <sstream>
#include <unordered_map>

namespace ipu_model {

enum MemoryCategory : std::size_t {
  variableBytes,
  constantBytes,
  edgeBufferBytes,
  vertexInstanceBytes,
  vertexFieldBytes,
  descriptorBytes,
  vertexCodeBytes,
  controlCodeBytes,
  internalExchangeBytes,
  hostExchangeBytes,
  stackBytes,
  memoryCategories
};
const char *categoryName(MemoryCategory category);

using TileMemory = std::array<std::size_t, memoryCategories>;
std::size_t totalOf(const TileMemory &memory);

/// What one tile does in one execution of a step.
struct TileStep {
  std::uint64_t compute = 0; ///< including idle issue slots
  std::uint64_t busy = 0;    ///< issue slots that a worker used
  std::size_t bytesIn = 0, bytesOut = 0;
};

/// One execution of a step.
struct Step {
  const char *kind = "";
  std::string name;
  std::uint64_t compute = 0, exchange = 0, sync = 0, host = 0; ///< cycles
  std::size_t vertices = 0;
  std::size_t estimated = 0; ///< vertices without an author's estimate
  std::map<unsigned, TileStep> tiles;
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> types; ///< instances and cycles
  std::uint64_t executions = 0;
  std::uint64_t cycles() const { return compute + exchange + sync + host; }
};

/// A report on its way: how its numbers look depends on no setting of the stream that it is sent to, and changes none.
class ReportText : public std::ostringstream {
public:
  ReportText() { imbue(std::locale::classic()); }
  void send(std::ostream &to) const {
    const std::string text = str();
    to.write(text.data(), static_cast<std::streamsize>(text.size()));
  }
};

class Profile {
public:
  /// Throws graph_memory_allocation_error where the variables and constants alone are too much for a tile.
  Profile(const GraphData &graph, bool enforceLimit);

  void addExecute(const ProgramNode &node, BoundComputeSet &set);
  /// One exchange step for copies that do not touch each other. It is counted with the first of them.
  void addCopies(const std::vector<const ProgramNode *> &nodes);
  void addOther(const ProgramNode &node);
  void addHostTensor(const poplar::Tensor &tensor);
  /// Adds up the memory; throws graph_memory_allocation_error where a tile has too little.
  void finish();

  void beginRun(unsigned program);
  void count(const ProgramNode &node) {
    const auto found = stepOf_.find(&node);
    if (found != stepOf_.end()) countStep(found->second);
  }
  void reset();
  void setEnabled(bool enabled) { enabled_ = enabled; }
  std::uint64_t totalCycles() const { return total_; }

  void writeSummary(std::ostream &out, bool steps, bool storage) const;
  void writeJson(std::ostream &out) const;
  void writeMemorySvg(std::ostream &out) const;
  void writeTimelineSvg(std::ostream &out) const;

private:
  struct Totals {
    std::uint64_t compute = 0, exchange = 0, sync = 0, host = 0;
    double busyPerTile = 0, computePerTile = 0; ///< averages over all tiles
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> types;
    std::vector<TileStep> tiles;
  };
  struct CopyTraffic {
    Traffic traffic;
    /// By tile: bytes, elements, bytes, pieces.
    std::map<unsigned, std::size_t> dense, strided, received, unaligned;
  };
  void countStep(std::size_t step);
  void addCopyTraffic(const ProgramNode &node, CopyTraffic &copy) const;
  void addStep(const ProgramNode &node, Step step);
  void addPhase(Step &step, const Traffic &traffic);
  void addBuffers(const std::map<unsigned, std::size_t> &bytes);
  void addVariables();
  void checkLimit() const;
  Totals totals() const;
  TileMemory &memory(unsigned tile) { return memory_[tile]; }

  const GraphData &graph_;
  TileLayout layout_;
  bool enforceLimit_;
  /// Of the graph when the engine was made: it may have grown since.
  struct Counts {
    std::size_t vertices = 0, edges = 0, variables = 0, computeSets = 0;
  } counts_;
  std::vector<Step> steps_;
  std::unordered_map<const ProgramNode *, std::size_t> stepOf_;
  std::vector<TileMemory> memory_ = std::vector<TileMemory>(graph_.target.getNumTiles());
  std::vector<std::size_t> controlSteps_ = std::vector<std::size_t>(memory_.size()); ///< of each tile
  std::size_t controlStepsOfAll_ = 0;
  std::unordered_map<std::uint32_t, bool> seenSets_;
  struct TimelineEntry {
    std::size_t step;
    std::uint64_t start;
  };
  std::vector<TimelineEntry> timeline_; ///< of the first executions
  std::uint64_t total_ = 0;
  unsigned runs_ = 0;
  bool enabled_ = true;
};

} // namespace ipu_model
