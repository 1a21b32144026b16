// poplar::Engine and poplar::Executable: thin handles to the engine.

#include "poplar/Engine.hpp"
#include "engine_data.hpp"
#include "poplar/CycleCount.hpp"
#include "poplar/RandomSeed.hpp"
#include "poplar/exceptions.hpp"
#include <sstream>
#include <unistd.h>

namespace poplar {

namespace {
/// Executables by their tickets.
std::map<std::string, std::shared_ptr<ipu_model::EngineData>> &serialized() {
  static std::map<std::string, std::shared_ptr<ipu_model::EngineData>> executables;
  return executables;
}
} // namespace

void Executable::serialize(std::ostream &out) const {
  const std::string ticket = "IPU model (not Graphcore software): executable " + std::to_string(serialized().size()) +
                             " of process " + std::to_string(getpid());
  serialized()[ticket] = data_;
  out << ticket << '\n';
}
Executable Executable::deserialize(std::istream &in) {
  std::string ticket;
  std::getline(in, ticket);
  const auto found = serialized().find(ticket);
  if (found == serialized().end())
    throw poplar_error(
        "Executable::deserialize: this process did not write the executable; the model keeps programs in "
        "memory only, build the graph again instead");
  return Executable(found->second);
}

Executable compileGraph(const Graph &graph, ArrayRef<program::Program> programs, const OptionFlags &options,
                        ProgressFunc progress, const DebugContext &) {
  return Executable(std::make_shared<ipu_model::EngineData>(graph.data(), programs.cloneAsVector(), options, progress));
}

Engine::Engine(const Graph &graph, const program::Program &program, const OptionFlags &options, ProgressFunc progress,
               const DebugContext &)
    : Engine(graph, ArrayRef<program::Program>(&program, 1), options, std::move(progress)) {}
Engine::Engine(const Graph &graph, ArrayRef<program::Program> programs, const OptionFlags &options,
               ProgressFunc progress, const DebugContext &)
    : Engine(compileGraph(graph, programs, options, std::move(progress))) {}
Engine::Engine(const Device &device, const Graph &graph, const program::Program &program, const OptionFlags &options)
    : Engine(graph, program, options) {
  load(device);
}
Engine::Engine(const Device &device, const Graph &graph, ArrayRef<program::Program> programs,
               const OptionFlags &options)
    : Engine(graph, programs, options) {
  load(device);
}
Engine::Engine(Executable &&executable, const OptionFlags &options) : data_(executable.data()) {
  data_->setOptions(options);
}
Engine::Engine(Engine &&) = default;
Engine::~Engine() = default;

void Engine::load(const Device &device) { data_->load(device); }
void Engine::run(unsigned program, const std::string &) { data_->run(program); }
void Engine::loadAndRun(const Device &device, unsigned program) {
  load(device);
  run(program);
}

void Engine::writeTensor(StringRef handle, const void *begin, const void *end) {
  data_->writeHandle(handle, begin, end);
}
void Engine::writeTensor(StringRef handle, const void *begin) { data_->writeHandle(handle, begin, nullptr); }
void Engine::readTensor(StringRef handle, void *begin, void *end) { data_->readHandle(handle, begin, end); }
void Engine::readTensor(StringRef handle, void *begin) { data_->readHandle(handle, begin, nullptr); }
void Engine::connectStream(StringRef handle, void *begin, void *end) { data_->connect(handle, begin, end); }
void Engine::connectStream(StringRef handle, void *begin) { data_->connect(handle, begin, nullptr); }
void Engine::connectStreamToCallback(StringRef handle, StreamCallbackHandle callback) {
  data_->connect(handle, std::move(callback));
}
void Engine::connectStreamToCallback(StringRef handle, unsigned replica, StreamCallbackHandle callback) {
  if (replica != 0)
    throw stream_connection_error("stream '" + std::string(handle) + "': replica " + std::to_string(replica) +
                                  " does not exist");
  data_->connect(handle, std::move(callback));
}
std::vector<std::string> Engine::listStreams() const { return data_->streamNames(); }

void Engine::copyToRemoteBuffer(const void *source, const std::string &handle, std::int64_t index, unsigned) {
  std::byte *const row = data_->remoteRow(handle, index);
  std::memcpy(row, source, data_->remoteRowBytes(handle));
}
void Engine::copyFromRemoteBuffer(const std::string &handle, void *destination, std::int64_t index, unsigned) {
  const std::byte *const row = data_->remoteRow(handle, index);
  std::memcpy(destination, row, data_->remoteRowBytes(handle));
}

void Engine::setPrintStream(std::ostream &) {} // codelets print to the process's own stream
void Engine::setPrintTensorStream(std::ostream &out) { data_->setPrintStream(out); }

void Engine::printProfileSummary(std::ostream &out, const OptionFlags &options) {
  data_->profile().writeSummary(out, options.get("showExecutionSteps", "false") == "true",
                                options.get("showVarStorage", "false") == "true");
}
void Engine::enableExecutionProfiling() { data_->profile().setEnabled(true); }
void Engine::disableExecutionProfiling() { data_->profile().setEnabled(false); }
void Engine::resetExecutionProfiling() { data_->profile().reset(); }
ProfileValue Engine::getProfile() const {
  std::ostringstream json, summary;
  writeReportJson(json);
  data_->profile().writeSummary(summary, true, false);
  return {json.str(), summary.str()};
}
void Engine::writeReportJson(std::ostream &out) const { data_->profile().writeJson(out); }
void Engine::writeMemorySvg(std::ostream &out) const { data_->profile().writeMemorySvg(out); }
void Engine::writeTimelineSvg(std::ostream &out) const { data_->profile().writeTimelineSvg(out); }
std::uint64_t Engine::estimatedCycles() const { return data_->profile().totalCycles(); }
std::vector<std::string> Engine::warnings() const { return data_->warnings(); }

Engine::TimerTimePoint Engine::getTimeStamp() const {
  return {std::chrono::steady_clock::now(), data_->profile().totalCycles()};
}
std::string Engine::reportTiming(const TimerTimePoint &start, const TimerTimePoint &end) {
  std::ostringstream out;
  out << "host " << std::chrono::duration<double, std::micro>(end.time - start.time).count() << " us; "
      << end.cycles - start.cycles << " device cycles (estimate of the IPU model)";
  return out.str();
}

namespace {
/// Adds a stamp: the cycles so far, or those since an earlier stamp.
Tensor addStamp(Graph &graph, program::Sequence &program, unsigned tile, SyncType type, const Tensor *since,
                const DebugContext &name) {
  const Tensor stamp = graph.addVariable(UNSIGNED_INT, {2}, name);
  graph.setTileMapping(stamp, tile);
  program.add(program::Sync(type));
  ipu_model::ProgramNode node;
  node.kind = ipu_model::ProgramNode::Kind::CycleStamp;
  node.name = name.getPathName();
  node.tensors = {stamp};
  if (since) node.tensors.push_back(*since);
  program.add(ipu_model::NodeProgram(std::move(node)));
  return stamp;
}
} // namespace

Tensor cycleStamp(Graph &graph, program::Sequence &program, unsigned tile, SyncType type, const DebugContext &name) {
  return addStamp(graph, program, tile, type, nullptr, name);
}

Tensor cycleCount(Graph &graph, program::Sequence &program, unsigned tile, SyncType type, const DebugContext &name) {
  program::Sequence timed;
  const Tensor begin = cycleStamp(graph, timed, tile, type, {name, "begin"});
  timed.add(program);
  const Tensor elapsed = addStamp(graph, timed, tile, SyncType::INTERNAL, &begin, name);
  program = timed;
  return elapsed;
}

Tensor getHwSeeds(Graph &graph, program::Sequence &, const DebugContext &name) {
  const Target &target = graph.getTarget();
  const Tensor seeds = graph.addVariable(UNSIGNED_INT, {target.getNumTiles(), target.getNumWorkerContexts(), 4}, name);
  for (unsigned tile = 0; tile != target.getNumTiles(); ++tile) graph.setTileMapping(seeds[tile], tile);
  return seeds;
}
void setHwSeeds(Graph &, const Tensor &, program::Sequence &, const DebugContext &) {}

} // namespace poplar
